/** Photos made small before they are kept: at most two megapixels, as JPEG, without what the camera wrote beside the picture. */

/** Pixels. */
export const MAX_PIXELS = 2_000_000;
const QUALITY = 0.85;

/** Width and height within so many pixels, never larger than before. */
export function sizeWithin(width: number, height: number, pixels = MAX_PIXELS): { width: number; height: number } {
  const by = Math.min(1, Math.sqrt(pixels / (width * height)));
  return { width: Math.max(1, Math.floor(width * by)), height: Math.max(1, Math.floor(height * by)) };
}

/** Fails on what is no picture. */
export async function shrink(file: Blob): Promise<Blob> {
  const picture = await createImageBitmap(file);
  try {
    const { width, height } = sizeWithin(picture.width, picture.height);
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.getContext('2d')?.drawImage(picture, 0, 0, width, height);
    return await new Promise((resolve, reject) => canvas.toBlob((b) => (b ? resolve(b) : reject(new Error('make a JPEG'))), 'image/jpeg', QUALITY));
  } finally {
    picture.close();
  }
}
