/** The place of a case as a still drawing: its grid and, where somebody said so, the point. No map library is in it. */
import { useEffect, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { GridCode } from '../ui/bits';
import { mapApi, type Shape } from './api';
import { sketch, type Sketch } from './sketch';

const [WIDTH, HEIGHT] = [340, 190];

interface PlaceMapProps {
  /** WGS 84, degrees. */
  place?: { lon: number; lat: number } | undefined;
  grid: string;
}

interface Found {
  title: { zh: string; en?: string };
  shape: Shape | null;
}

export function PlaceMap({ place, grid }: PlaceMapProps) {
  const words = useWords();
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    setFound(null);
    mapApi.shape(grid, abort.signal).then(setFound, () => undefined); // a grid that is not set up has its code alone
    return () => abort.abort();
  }, [grid]);
  const drawn = sketch(found?.shape ?? null, place ?? null, WIDTH, HEIGHT);
  const name = pick(words, found?.title);
  return (
    <figure class="place-map" data-testid="place-map">
      {drawn && <Drawing drawn={drawn} label={words.t(place ? 'map.placeLabel' : 'map.gridLabel', { name: name || grid })} />}
      <figcaption class="place-caption">
        {name && <strong>{name}</strong>} <GridCode code={grid} />
        {place && <span class="muted number">{place.lon.toFixed(5)}, {place.lat.toFixed(5)}</span>}
        {found && !found.shape && <span class="muted">{words.t('map.noShape')}</span>}
      </figcaption>
    </figure>
  );
}

function Drawing({ drawn, label }: { drawn: Sketch; label: string }) {
  const words = useWords();
  const { width, height, path, point, bar } = drawn;
  const length = bar.metres >= 1000 ? words.t('map.km', { n: bar.metres / 1000 }) : words.t('map.m', { n: bar.metres });
  return (
    <svg class="place-drawing" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {path && <path class="place-grid" d={path} fill-rule="evenodd" />}
      {point && (
        <g class="place-point" transform={`translate(${point.x} ${point.y})`}>
          <circle class="place-halo" r="11" /><circle class="place-ring" r="7.5" /><circle class="place-dot" r="2.5" />
        </g>
      )}
      <g class="place-bar" transform={`translate(${width - bar.width - 10} ${height - 9})`} aria-hidden="true">
        <path d={`M0 -5V0H${bar.width}V-5`} /><text x={bar.width / 2} y="-4" text-anchor="middle">{length}</text>
      </g>
    </svg>
  );
}
