/**
 * The drawn map. In: outlines, how things stand, what is chosen. Out: what is pointed at, chosen, and in view. It asks central for tiles and
 * nobody for anything else: no glyphs, no sprites, no styles. Everything on it stands in the list beside it, too.
 */
import { Map as Drawn, setWorkerUrl, type GeoJSONSource, type MapMouseEvent, type StyleSpecification } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import { useEffect, useRef } from 'preact/hooks';
import { useWords } from '../i18n';
import type { Outlines, Standing, Tiles } from './api';
import { draw, RATIO, type Colour } from './images';
import { layers } from './layers';
import { boxOf, caseSource, deviceSource, gridSource, labelSource, putFor, wholeBox, type Box, type Mode } from './model';

setWorkerUrl(workerUrl);

/** What the page may do with the map. */
export interface Handle {
  zoom: (by: number) => void;
  /** Shows a grid, or everything. */
  show: (code: string) => void;
}

interface CanvasProps {
  outlines: Outlines;
  standing: Standing;
  mode: Mode;
  devices: boolean;
  selected: string;
  hovered: string;
  onSelect: (code: string) => void;
  onHover: (code: string) => void;
  onCase: (id: string) => void;
  onView: (view: Box) => void;
  onFailure: () => void;
  onReady: (handle: Handle) => void;
}

const MOTION = 300;
const SOURCES = ['grids', 'labels', 'cases', 'devices'] as const;

/** The colours of the page as they are now. */
function colours(): Colour {
  const tokens = getComputedStyle(document.documentElement);
  return (name) => tokens.getPropertyValue(`--${name}`).trim() || 'gray';
}

const dark = (): boolean => getComputedStyle(document.documentElement).colorScheme.includes('dark');

function styleOf(colour: Colour, tiles: Tiles | undefined): StyleSpecification {
  const empty = { type: 'FeatureCollection' as const, features: [] };
  const cluster = (by: string) => ({ type: 'geojson' as const, data: empty, cluster: true, clusterRadius: 34, clusterMaxZoom: 16, clusterProperties: { [by]: ['max', ['get', by]] } });
  const raster = tiles && {
    type: 'raster' as const, tiles: [`${location.origin}/v1/map/tiles/{z}/{x}/{y}`], tileSize: 256, minzoom: tiles.minZoom, maxzoom: tiles.maxZoom,
  };
  return {
    version: 8,
    sources: {
      grids: { type: 'geojson', data: empty, promoteId: 'code' }, labels: { type: 'geojson', data: empty }, cases: cluster('rank'), devices: cluster('worst'),
      ...(raster ? { tiles: raster } : {}),
    },
    layers: layers(colour, raster !== undefined, dark()),
  };
}

export function MapCanvas(props: CanvasProps) {
  const words = useWords();
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<Drawn | null>(null);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    try {
      return open(box.current as HTMLElement, latest, map, words.t('map.canvas'));
    } catch {
      props.onFailure();
      return undefined;
    }
  }, [props.outlines.tiles?.datum, words]);
  const { outlines, standing, mode, devices, selected, hovered } = props;
  useEffect(() => fill(map.current, latest.current), [outlines, standing, mode, devices]);
  useEffect(() => mark(map.current, selected, 'selected'), [selected]);
  useEffect(() => mark(map.current, hovered, 'hovered'), [hovered]);
  return <div class="map-canvas" ref={box} data-testid="map-canvas" />;
}

type Latest = { current: CanvasProps };

/** Makes the map and returns what ends it. */
function open(box: HTMLElement, latest: Latest, ref: { current: Drawn | null }, label: string): () => void {
  const { outlines } = latest.current;
  const whole = wholeBox(outlines);
  const map = new Drawn({
    container: box, style: styleOf(colours(), outlines.tiles), attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, rollEnabled: false,
    renderWorldCopies: false, fadeDuration: 0, maxZoom: 20, locale: { 'Map.Title': label },
    ...(whole ? { bounds: corners(whole), fitBoundsOptions: { padding: 36, maxZoom: 17 } } : {}),
  });
  map.touchZoomRotate.disableRotation();
  ref.current = map;
  map.setMissingStyleImageResolver(async (id) => {
    const pixels = map.hasImage(id) ? null : draw(id, colours());
    if (pixels) map.addImage(id, pixels, { pixelRatio: RATIO });
  });
  map.on('load', () => {
    fill(map, latest.current);
    mark(map, latest.current.selected, 'selected');
    latest.current.onReady(handleOf(map, latest));
  });
  map.on('idle', () => box.setAttribute('data-idle', 'true'));
  map.on('moveend', () => latest.current.onView(viewOf(map)));
  map.on('click', (e) => void press(map, latest, e));
  map.on('mousemove', (e) => latest.current.onHover(codeAt(map, e)));
  map.on('mouseout', () => latest.current.onHover(''));
  const scheme = followScheme(() => {
    map.setStyle(styleOf(colours(), latest.current.outlines.tiles), { diff: false });
    map.once('styledata', () => {
      fill(map, latest.current);
      mark(map, latest.current.selected, 'selected');
    });
  });
  return () => {
    scheme();
    ref.current = null;
    map.remove();
  };
}

const corners = ([w, e, s, n]: Box): [[number, number], [number, number]] => [[w, s], [e, n]];

/** Calls f when the page changes its colours. */
function followScheme(f: () => void): () => void {
  const media = matchMedia('(prefers-color-scheme: dark)');
  const watch = new MutationObserver(f);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  media.addEventListener('change', f);
  return () => {
    watch.disconnect();
    media.removeEventListener('change', f);
  };
}

function viewOf(map: Drawn): Box {
  const b = map.getBounds();
  return [b.getWest(), b.getEast(), b.getSouth(), b.getNorth()];
}

/** Hands the sources what they draw. */
function fill(map: Drawn | null, { outlines, standing, mode, devices }: CanvasProps): void {
  if (!map?.getSource('grids')) return;
  const data = {
    grids: gridSource(outlines, standing, mode), labels: labelSource(outlines, standing, mode), cases: caseSource(outlines, standing),
    devices: deviceSource(outlines, devices ? standing : { ...standing, devices: [] }),
  };
  for (const name of SOURCES) (map.getSource(name) as GeoJSONSource).setData(data[name] as never);
}

const marked = new WeakMap<Drawn, Record<string, string>>();

/** Makes one grid, and no other, selected or hovered. */
function mark(map: Drawn | null, code: string, as: 'selected' | 'hovered'): void {
  if (!map?.getSource('grids')) return;
  const before = marked.get(map) ?? {};
  const was = before[as];
  if (was) map.setFeatureState({ source: 'grids', id: was }, { [as]: false });
  if (code) map.setFeatureState({ source: 'grids', id: code }, { [as]: true });
  marked.set(map, { ...before, [as]: code });
}

const codeAt = (map: Drawn, e: MapMouseEvent): string => (map.getLayer('fill') && map.queryRenderedFeatures(e.point, { layers: ['fill'] })[0]?.properties['code']) || '';

/** A cluster opens, a case is gone to, a grid is chosen; the one that is chosen, or no grid, chooses none. */
async function press(map: Drawn, latest: Latest, e: MapMouseEvent): Promise<void> {
  const hit = map.queryRenderedFeatures(e.point, { layers: ['case', 'case-cluster'] })[0];
  if (hit?.properties['cluster_id'] !== undefined) {
    const zoom = await (map.getSource('cases') as GeoJSONSource).getClusterExpansionZoom(hit.properties['cluster_id'] as number);
    map.easeTo({ center: e.lngLat, zoom, duration: MOTION });
    return;
  }
  if (hit) return latest.current.onCase(String(hit.properties['id']));
  const code = codeAt(map, e);
  latest.current.onSelect(code === latest.current.selected ? '' : code);
}

function handleOf(map: Drawn, latest: Latest): Handle {
  return {
    zoom: (by) => map.easeTo({ zoom: map.getZoom() + by, duration: MOTION }),
    show: (code) => {
      const { outlines } = latest.current;
      const one = outlines.features.find((f) => f.properties.code === code);
      const box = one ? boxOf(one, putFor(outlines)) : wholeBox(outlines);
      if (box) map.fitBounds(corners(box), { padding: one ? 120 : 36, maxZoom: 17, duration: MOTION });
    },
  };
}
