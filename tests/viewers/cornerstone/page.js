// A page made of Cornerstone3D alone, as its makers tell programmers of viewers to write one: the metadata of a series, its frames, a stack.
import { Enums, RenderingEngine, imageLoader, init as initCore } from "@cornerstonejs/core";
import { init as initLoader, wadors } from "@cornerstonejs/dicom-image-loader";

const SOP_INSTANCE_UID = "00080018";

initCore();
initLoader({ maxWebWorkers: 1 });
const engine = new RenderingEngine("engine");

/** Draws the middle of the series at `address`; the samples of its first frame, and the picture. */
window.openSeries = async (address) => {
  const answer = await fetch(`${address}/metadata`, { headers: { Accept: "application/dicom+json" } });
  const imageIds = (await answer.json()).map((row) => {
    const imageId = `wadors:${address}/instances/${row[SOP_INSTANCE_UID].Value[0]}/frames/1`;
    wadors.metaDataManager.add(imageId, row);
    return imageId;
  });
  const image = await imageLoader.loadAndCacheImage(imageIds[0]);
  const element = document.getElementById("viewport");
  engine.enableElement({ viewportId: "stack", type: Enums.ViewportType.STACK, element });
  const viewport = engine.getViewport("stack");
  const drawn = new Promise((done) => element.addEventListener(Enums.Events.IMAGE_RENDERED, done, { once: true }));
  await viewport.setStack(imageIds, Math.floor(imageIds.length / 2));
  viewport.render();
  await drawn;
  const { width, height } = viewport.getCanvas();
  const pixels = viewport.getCanvas().getContext("2d").getImageData(0, 0, width, height).data;
  const levels = new Set(pixels.filter((_, index) => index % 4 === 0)).size;
  return { count: imageIds.length, samples: Array.from(image.voxelManager.getScalarData()), levels };
};
