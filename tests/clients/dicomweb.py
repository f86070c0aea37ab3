#!/usr/bin/env python3
"""dicomweb.py URL TOKEN: whole journeys of DICOMweb clients that others wrote (dicomweb-client, dicomtrolley) through the demo studies."""
import io
import sys
import tempfile
from pathlib import Path

import pydicom
import requests
from dicomtrolley.core import QueryLevels
from dicomtrolley.qido_rs import HierarchicalQuery, QidoRS, RelationalQuery
from dicomtrolley.trolley import Trolley
from dicomtrolley.wado_rs import WadoRS
from dicomtrolley.wado_uri import WadoURI
from dicomweb_client.api import DICOMwebClient

BASE, TOKEN = sys.argv[1] + "/dicom-web", sys.argv[2]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def value(row, tag):
    return row[tag]["Value"][0]


def uids(row):
    return value(row, "0020000D"), value(row, "0020000E"), value(row, "00080018")


def stored(study, series, instance):
    """The file as `/api/v1` hands it out."""
    answer = requests.get(f"{sys.argv[1]}/api/v1/dicom/images/{instance}/file", headers=HEADERS, timeout=60)
    answer.raise_for_status()
    return answer.content


def client_journey():
    client = DICOMwebClient(BASE, headers=HEADERS)
    studies = client.search_for_studies()
    assert studies and client.search_for_studies(limit=1, offset=0) == studies[:1]
    assert client.search_for_studies(offset=len(studies)) == []
    name = value(studies[0], "00100010")["Alphabetic"]
    assert studies[0] in client.search_for_studies(search_filters={"PatientName": name.lower()})
    assert studies[0] in client.search_for_studies(search_filters={"00100010": name[:3] + "*"}, fields=["StudyDescription"])
    assert client.search_for_studies(search_filters={"StudyDate": "18000101-18010101"}) == []

    formats = set()
    for study in studies:
        study_uid = value(study, "0020000D")
        for series in client.search_for_series(study_uid):
            series_uid = value(series, "0020000E")
            rows = client.search_for_instances(study_uid, series_uid)
            metadata = client.retrieve_series_metadata(study_uid, series_uid)
            assert len(rows) == len(metadata) == value(series, "00201209")
            assert sorted(map(uids, rows)) == sorted(map(uids, metadata))
            one = uids(rows[len(rows) // 2])
            header = pydicom.Dataset.from_json(client.retrieve_instance_metadata(*one), lambda *_: b"")
            whole = pydicom.dcmread(io.BytesIO(stored(*one)))
            assert header.SOPInstanceUID == whole.SOPInstanceUID and header.get("Rows") == whole.get("Rows")
            assert client.retrieve_instance(*one) == whole
            formats.add(whole.file_meta.TransferSyntaxUID)
            if "PixelData" in whole:
                frames_journey(client, one, whole)
    instances = client.retrieve_study(value(studies[0], "0020000D"))
    assert len(instances) == value(studies[0], "00201208")
    assert len(client.search_for_instances(search_filters={"Modality": "CT"}, limit=7)) == 7
    return len(studies), formats


def frames_journey(client, one, whole):
    anything = (("application/octet-stream", "*"),)
    count = int(whole.get("NumberOfFrames", 1))
    last = client.retrieve_instance_frames(*one, frame_numbers=[count], media_types=anything)
    if whole.file_meta.TransferSyntaxUID.is_encapsulated:
        frames = list(pydicom.encaps.generate_frames(whole.PixelData, number_of_frames=count))
    else:
        length = len(whole.PixelData) // count
        frames = [whole.PixelData[nth * length:(nth + 1) * length] for nth in range(count)]
    assert [frame.rstrip(b"\0") for frame in last] == [frames[-1].rstrip(b"\0")]
    some = list(range(1, min(count, 3) + 1))
    assert len(client.retrieve_instance_frames(*one, frame_numbers=some, media_types=anything)) == len(some)
    for media_type, begins in [("image/jpeg", b"\xff\xd8"), ("image/png", b"\x89PNG")]:
        rendered = client.retrieve_instance_rendered(*one, media_types=(media_type,), params={"viewport": "64,64"})
        assert rendered.startswith(begins), media_type
        rendered = client.retrieve_instance_frames_rendered(*one, frame_numbers=[count], media_types=(media_type,))
        assert rendered.startswith(begins), media_type
    thumbnail = requests.get(f"{BASE}/studies/{one[0]}/series/{one[1]}/thumbnail", headers=HEADERS, timeout=60)
    assert thumbnail.status_code == 200 and thumbnail.content.startswith(b"\xff\xd8")


def trolley_journey():
    session = requests.Session()
    session.headers.update(HEADERS)
    searcher = QidoRS(session=session, url=BASE)
    studies = searcher.find_studies(HierarchicalQuery(query_level=QueryLevels.STUDY, include_fields=["StudyDescription"]))
    assert studies
    found = searcher.find_studies(RelationalQuery(query_level=QueryLevels.INSTANCE, limit=100))
    assert found
    smallest = min(studies, key=lambda study: int(study.data.get("NumberOfStudyRelatedInstances", 1000)))
    series = searcher.find_studies(HierarchicalQuery(query_level=QueryLevels.SERIES, StudyInstanceUID=smallest.uid))
    assert series and all(one.series for one in series)
    for downloader in [WadoRS(session=session, url=BASE), WadoURI(session=session, url=BASE)]:
        trolley = Trolley(searcher=searcher, downloader=downloader)
        with tempfile.TemporaryDirectory() as folder:
            trolley.download(smallest.reference() if callable(getattr(smallest, "reference", None)) else smallest, output_dir=folder)
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            assert len(files) == int(smallest.data.NumberOfStudyRelatedInstances), (downloader, len(files))
            for path in files:
                assert pydicom.dcmread(path).StudyInstanceUID == smallest.uid


def store_journey():
    """A copy of a file of the demo study, under UIDs of its own, is stored; again it is one that is there; with other bytes it is refused. It goes in the end."""
    client = DICOMwebClient(BASE, headers=HEADERS)
    whole = pydicom.dcmread(io.BytesIO(stored(*uids(client.search_for_instances(limit=1)[0]))))
    whole.StudyInstanceUID, whole.SeriesInstanceUID, whole.SOPInstanceUID = (pydicom.uid.generate_uid() for _ in range(3))
    whole.file_meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID
    one = (whole.StudyInstanceUID, whole.SeriesInstanceUID, whole.SOPInstanceUID)
    for target in [None, whole.StudyInstanceUID]:
        answer = client.store_instances([whole], study_instance_uid=target)
        assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [whole.SOPInstanceUID]
        assert "FailedSOPSequence" not in answer
    assert client.retrieve_instance(*one) == whole
    assert value(client.search_for_studies(search_filters={"StudyInstanceUID": one[0]})[0], "00201208") == 1
    whole.PatientComments = "other bytes"
    try:
        client.store_instances([whole])
    except requests.HTTPError as error:
        assert error.response.status_code == 409, error
    else:
        raise AssertionError("other bytes were taken")
    gone = requests.delete(f"{sys.argv[1]}/api/v1/dicom/studies/{one[0]}", headers=HEADERS, timeout=60)
    assert gone.json()["deleted"]["instances"] == 1, gone.text
    assert client.search_for_studies(search_filters={"StudyInstanceUID": one[0]}) == []


def main():
    count, formats = client_journey()
    print(f"dicomweb-client went through {count} studies in {len(formats)} transfer syntaxes", file=sys.stderr)
    store_journey()
    print("dicomweb-client stored an instance", file=sys.stderr)
    trolley_journey()
    print("dicomtrolley found and took a study by WADO-RS and by WADO-URI", file=sys.stderr)


main()
