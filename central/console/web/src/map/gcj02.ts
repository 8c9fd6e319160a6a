/**
 * The shift of maps that are sold in mainland China (GCJ-02). For what is drawn over such tiles, and for nothing else: what is kept stays
 * in CGCS2000 (WGS 84). Source: the formula as the open project eviltransform publishes it; its figures are in test/map.test.ts. Pure.
 */

const RADIUS = 6_378_245; // semi-major axis of Krasovsky 1940, metres
const SQUARED = 0.00669342162296594323; // eccentricity squared
/** Outside this box nothing is shifted: west, east, south, north. */
const BOX = [72.004, 137.8347, 0.8293, 55.8271] as const;

const sin = (x: number, times: number, by: number): number => (times * Math.sin(x * by * Math.PI) * 2) / 3;

function north(x: number, y: number): number {
  const swing = sin(x, 20, 6) + sin(x, 20, 2) + sin(y, 20, 1) + sin(y, 40, 1 / 3) + sin(y, 160, 1 / 12) + sin(y, 320, 1 / 30);
  return -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + swing;
}

function east(x: number, y: number): number {
  const swing = sin(x, 20, 6) + sin(x, 20, 2) + sin(x, 20, 1) + sin(x, 40, 1 / 3) + sin(x, 150, 1 / 12) + sin(x, 300, 1 / 30);
  return 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + swing;
}

/** Longitude and latitude in WGS 84 to those of GCJ-02, degrees. */
export function toGCJ02([lon, lat]: readonly [number, number]): [number, number] {
  if (lon < BOX[0] || lon > BOX[1] || lat < BOX[2] || lat > BOX[3]) return [lon, lat];
  const [x, y] = [lon - 105, lat - 35];
  const phi = (lat * Math.PI) / 180;
  const bend = 1 - SQUARED * Math.sin(phi) ** 2;
  const perLat = ((RADIUS * (1 - SQUARED)) / bend ** 1.5) * (Math.PI / 180);
  const perLon = (RADIUS / Math.sqrt(bend)) * Math.cos(phi) * (Math.PI / 180);
  return [lon + east(x, y) / perLon, lat + north(x, y) / perLat];
}
