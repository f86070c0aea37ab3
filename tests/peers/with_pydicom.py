#!/usr/bin/env python3
"""Renders the cases of scripts/conformance with pydicom, by its own functions in the order of its user guide.

A line of JSON in (the case), a line of JSON out (why it failed, or null). pydicom stops at values: the scaling of the
display values to 8 bits, and the inversion of MONOCHROME1, are written here. Packages: requirements.txt.
"""
import json
import logging
import sys
import warnings

import numpy
import pydicom
from PIL import Image
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, apply_windowing, pixel_array

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def colour(dataset, samples):
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        samples = apply_color_lut(samples, dataset)
    return (samples >> 8 * (samples.itemsize - 1)).astype(numpy.uint8)


def displayed(dataset, values, window):
    """Display values and the range that they lie in."""
    if window:
        dataset.WindowCenter, dataset.WindowWidth = window["center"], window["width"]
        dataset.VOILUTFunction = window["function"]
        shown = apply_windowing(values, dataset)
    else:
        shown = apply_voi_lut(values, dataset)
    if not window and "VOILUTSequence" in dataset:
        return shown, 0, 2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1
    if not window and dataset.get("WindowWidth") is None:
        is_as_displayed = shown.dtype == numpy.uint8 and dataset.BitsStored == 8
        return (shown, 0, 255) if is_as_displayed else (shown, shown.min(), shown.max())
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    bits = dataset.BitsStored
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dataset.PixelRepresentation else (0, 2**bits - 1)
    if "ModalityLUTSequence" in dataset:
        low, high = 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    elif "RescaleSlope" in dataset:
        low, high = low * slope + intercept, high * slope + intercept
    return shown, low, high


def grey(dataset, samples, window):
    shown, low, high = displayed(dataset, apply_modality_lut(samples, dataset), window)
    shown = shown.astype(numpy.float64)
    scaled = (shown - low) / (high - low) * 255 if high > low else numpy.zeros(shown.shape)
    picture = numpy.floor(numpy.clip(scaled, 0, 255) + 0.5).astype(numpy.uint8)
    return 255 - picture if dataset.PhotometricInterpretation == "MONOCHROME1" else picture


def render(case):
    dataset = pydicom.dcmread(case["path"], force=True)
    samples = pixel_array(dataset, index=case["frame"] - 1)
    is_grey = dataset.SamplesPerPixel == 1 and dataset.PhotometricInterpretation != "PALETTE COLOR"
    picture = grey(dataset, samples, case["window"]) if is_grey else colour(dataset, samples)
    Image.fromarray(picture).save(case["png"])


for line in sys.stdin:
    case = json.loads(line)
    error = None
    try:
        render(case)
    except Exception as raised:  # whatever it raises is its answer
        error = f"{type(raised).__name__}: {raised}".splitlines()[0]
    print(json.dumps({"id": case["id"], "error": error}), flush=True)
