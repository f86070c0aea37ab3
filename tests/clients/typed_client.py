"""Shows a picture through the client that openapi-python-client made from the OpenAPI document.

typed_client.py SERVER TOKEN
"""

import importlib
import json
import sys

from noctis_client import AuthenticatedClient

SERVER, TOKEN = sys.argv[1:]


def operation(tag, name):
    return importlib.import_module(f"noctis_client.api.{tag}.{name}")


def main():
    client = AuthenticatedClient(base_url=SERVER, token=TOKEN, raise_on_unexpected_status=True)
    studies = operation("studies", "list_studies").sync(client=client)
    series = operation("studies", "list_series_of_study").sync(studies.studies[0].study_id, client=client)
    images = operation("studies", "list_images_of_series").sync(series.series[0].series_id, client=client)
    assert images.total == len(images.images) > 0, images
    picture = operation("images", "get_image").sync_detailed(images.images[0].image_id, client=client)
    told = json.loads(picture.content)
    assert told["image_data_url"].startswith("data:image/png;base64,"), told.keys()
    unknown = operation("studies", "get_study").sync_detailed("1.2.404", client=client)
    assert unknown.status_code == 404 and unknown.parsed.detail, unknown


main()
