/** How the map is painted: the layers of its style over the sources of ./canvas, in the colours of the page. Pure. */
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl';
import type { Colour } from './images';
import { HEALTHS, RANKS } from './model';

/** How strongly the steps of how many cases wait are painted. */
export const STRENGTH = [0.14, 0.3, 0.48, 0.66] as const;

const state = (name: string): ExpressionSpecification => ['boolean', ['feature-state', name], false];
const of = (list: readonly string[], by: string): ExpressionSpecification => ['at', ['get', by], ['literal', [...list]]];
const count: ExpressionSpecification = ['case', ['>', ['get', 'point_count'], 99], '99+', ['to-string', ['get', 'point_count']]];

const icon = (image: ExpressionSpecification, more: object = {}) => ({ 'icon-image': image, 'icon-allow-overlap': true, ...more });

/** Tiles are drawn for a light page; on a dark one they are dimmed. */
export function layers(colour: Colour, tiles: boolean, dark: boolean): LayerSpecification[] {
  return [
    { id: 'ground', type: 'background', paint: { 'background-color': colour('raised') } },
    ...(tiles ? [{ id: 'tiles', type: 'raster' as const, source: 'tiles', paint: { 'raster-saturation': -0.5, 'raster-fade-duration': 0, 'raster-brightness-max': dark ? 0.45 : 1 } }] : []),
    { id: 'fill', type: 'fill', source: 'grids', paint: { 'fill-color': fillColour(colour), 'fill-opacity': fillStrength(tiles) } },
    { id: 'pattern', type: 'fill', source: 'grids', filter: ['in', ['get', 'tone'], ['literal', ['yellow', 'red']]], paint: { 'fill-pattern': ['concat', 'p:', ['get', 'tone']], 'fill-opacity': 0.4 } },
    { id: 'border', type: 'line', source: 'grids', paint: { 'line-color': colour('line-strong'), 'line-width': 1 } },
    { id: 'hovered', type: 'line', source: 'grids', paint: { 'line-color': colour('text'), 'line-width': 2.5, 'line-opacity': ['case', state('hovered'), 1, 0] } },
    { id: 'selected', type: 'line', source: 'grids', paint: { 'line-color': colour('accent'), 'line-width': 4.5, 'line-opacity': ['case', state('selected'), 1, 0] } },
    {
      id: 'device-cluster', type: 'symbol', source: 'devices', filter: ['has', 'point_count'],
      layout: icon(['concat', 'd:', of(HEALTHS, 'worst'), ':', count], { 'icon-offset': [0, 26] }),
    },
    { id: 'device', type: 'symbol', source: 'devices', filter: ['!', ['has', 'point_count']], layout: icon(['concat', 'd:', of(HEALTHS, 'worst'), ':1'], { 'icon-offset': [0, 26] }) },
    { id: 'number', type: 'symbol', source: 'labels', layout: { 'icon-image': ['get', 'icon'], 'symbol-sort-key': ['get', 'order'], 'icon-padding': 1 } },
    { id: 'case-cluster', type: 'symbol', source: 'cases', filter: ['has', 'point_count'], layout: icon(['concat', 'c:', of(RANKS, 'rank'), ':', count]) },
    { id: 'case', type: 'symbol', source: 'cases', filter: ['!', ['has', 'point_count']], layout: icon(['concat', 's:', of(RANKS, 'rank')]) },
  ];
}

function fillColour(colour: Colour): ExpressionSpecification {
  return ['match', ['get', 'tone'], 'red', colour('critical'), 'yellow', colour('minor'), 'calm', colour('info'), 'none', colour('surface'), colour('accent')];
}

/** Over tiles a grid without cases is glass. */
function fillStrength(tiles: boolean): ExpressionSpecification {
  const [one, two, three, four] = STRENGTH;
  return ['match', ['get', 'tone'], 'none', tiles ? 0.12 : 1, 'red', 0.34, 'yellow', 0.3, 'calm', 0.24, 'step-1', one, 'step-2', two, 'step-3', three, four];
}
