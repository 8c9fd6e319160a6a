/** The accessible twin of the canvas: zones and masks by name, the fields of the chosen one, and its points as numbers. */
import { useState } from 'preact/hooks';
import { useWords, type Key } from '../i18n';
import { MAX_POINTS, MAX_SHAPES, MIN_POINTS, tidy, type Outline, type Point } from './geometry';
import { outlineOf, wrongs, type Act, type Chosen, type Draft, type DrawnZone, type Wrong } from './draft';

interface ListProps {
  draft: Draft;
  draw: (a: Act) => void;
  fixed: boolean;
}

const FAULT: Readonly<Record<Wrong['fault'], Key>> = {
  few: 'cameras.fault.few', many: 'cameras.fault.many', crossing: 'cameras.fault.crossing', small: 'cameras.fault.small', name: 'cameras.fault.name', twice: 'cameras.fault.twice',
};

export function ShapeList({ draft, draw, fixed }: ListProps) {
  const words = useWords();
  const { zones, masks } = draft.drawing;
  const bad = wrongs(draft.drawing);
  const name = `${words.t('cameras.zone')} ${zones.length + 1}`;
  return (
    <div class="shapes">
      {!fixed && (
        <div class="shape-tools">
          <button type="button" class="button button-small" data-testid="add-zone" disabled={zones.length >= MAX_SHAPES} onClick={() => draw({ do: 'zone', name })}>{words.t('cameras.addZone')}</button>
          <button type="button" class="button button-small" data-testid="add-mask" disabled={masks.length >= MAX_SHAPES} onClick={() => draw({ do: 'mask' })}>{words.t('cameras.addMask')}</button>
          <button type="button" class="button button-small" data-testid="undo" disabled={draft.past.length === 0} onClick={() => draw({ do: 'undo' })}>{words.t('cameras.undo')}</button>
        </div>
      )}
      <ul class="plain shape-names">
        {zones.map((z, i) => <ShapeName key={`z${i}`} draft={draft} of="zones" index={i} name={z.name || words.t('cameras.unnamed')} bad={bad} draw={draw} />)}
        {masks.map((_, i) => <ShapeName key={`m${i}`} draft={draft} of="masks" index={i} name={words.t('cameras.mask', { n: i + 1 })} bad={bad} draw={draw} />)}
        {zones.length + masks.length === 0 && <li class="muted">{words.t('cameras.nothingDrawn')}</li>}
      </ul>
      {draft.chosen && <ChosenShape key={`${draft.chosen.of}${draft.chosen.index}`} draft={draft} chosen={draft.chosen} draw={draw} fixed={fixed} />}
      <div role="alert" data-testid="wrongs">
        {bad.map((w) => <p key={`${w.of}${w.index}${w.fault}`} class="form-error">{nameOf(draft, w, words.t('cameras.mask', { n: w.index + 1 }))}: {words.t(FAULT[w.fault])}</p>)}
      </div>
    </div>
  );
}

const nameOf = (draft: Draft, w: { of: Chosen['of']; index: number }, mask: string): string => (w.of === 'zones' ? draft.drawing.zones[w.index]?.name ?? '' : mask);

interface NameProps {
  draft: Draft;
  of: Chosen['of'];
  index: number;
  name: string;
  bad: readonly Wrong[];
  draw: (a: Act) => void;
}

function ShapeName({ draft, of, index, name, bad, draw }: NameProps) {
  const words = useWords();
  const on = draft.chosen?.of === of && draft.chosen.index === index;
  const wrong = bad.some((w) => w.of === of && w.index === index);
  return (
    <li>
      <button type="button" class={`shape-name shape-name-${of}`} aria-pressed={on} data-testid={`shape-${of}`} onClick={() => draw({ do: 'choose', chosen: on ? null : { of, index, point: 0 } })}>
        <span class={`swatch swatch-${of}`} aria-hidden="true" /><span class="name">{name}</span>
        <span class="muted small">{words.t(of === 'zones' ? 'cameras.zone' : 'cameras.maskWord')}</span>
        {wrong && <span class="bad small">{words.t('cameras.wrong')}</span>}
      </button>
    </li>
  );
}

function ChosenShape({ draft, chosen, draw, fixed }: ListProps & { chosen: Chosen }) {
  const words = useWords();
  const outline = outlineOf(draft.drawing, chosen);
  const zone = chosen.of === 'zones' ? draft.drawing.zones[chosen.index] : undefined;
  return (
    <fieldset class="shape-fields" disabled={fixed}>
      <legend class="sr-only">{zone?.name ?? words.t('cameras.mask', { n: chosen.index + 1 })}</legend>
      {zone && <ZoneFields zone={zone} draw={draw} />}
      {outline.length > 0 && <PointList outline={outline} chosen={chosen} draw={draw} fixed={fixed} />}
      {!fixed && <button type="button" class="button button-small" data-testid="remove-shape" onClick={() => draw({ do: 'remove' })}>{words.t(zone ? 'cameras.removeZone' : 'cameras.removeMask')}</button>}
    </fieldset>
  );
}

function ZoneFields({ zone, draw }: { zone: DrawnZone; draw: (a: Act) => void }) {
  const words = useWords();
  return (
    <>
      <label class="field">
        <span>{words.t('cameras.zoneName')}</span>
        <input class="input" maxLength={64} data-testid="zone-name" value={zone.name}
          onFocus={() => draw({ do: 'mark' })} onInput={(e) => draw({ do: 'fields', fields: { name: e.currentTarget.value }, keep: true })} />
      </label>
      <div class="field-row">
        <label class="field">
          <span>{words.t('cameras.minArea')}</span>
          <NumberInput value={Math.round(zone.minArea * 1000) / 10} max={90} step={0.1} testid="zone-area" onPut={(v) => draw({ do: 'fields', fields: { minArea: tidy(v / 100) } })} />
        </label>
        <label class="field">
          <span>{words.t('cameras.minDuration')}</span>
          <NumberInput value={zone.minDurationMs / 1000} max={600} step={0.1} testid="zone-duration" onPut={(v) => draw({ do: 'fields', fields: { minDurationMs: Math.round(v * 1000) } })} />
        </label>
      </div>
      <small class="muted">{words.t('cameras.zeroDefault')}</small>
      <label class="check">
        <input type="checkbox" data-testid="zone-whole" checked={zone.outline.length === 0} onChange={(e) => draw({ do: 'whole', whole: e.currentTarget.checked })} />
        {words.t('cameras.wholePicture')}
      </label>
    </>
  );
}

interface PointsProps {
  outline: Outline;
  chosen: Chosen;
  draw: (a: Act) => void;
  fixed: boolean;
}

interface NumberProps {
  value: number;
  max: number;
  step: number;
  testid: string;
  label?: string;
  onFocus?: () => void;
  onPut: (v: number) => void;
}

/** A number that is taken when it is finished: what is half typed stays as it is, whatever is drawn meanwhile. */
function NumberInput({ value, max, step, testid, label, onFocus, onPut }: NumberProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const done = (text: string) => {
    setTyped(null);
    const v = Number(text);
    if (text.trim() !== '' && Number.isFinite(v)) onPut(Math.min(max, Math.max(0, v)));
  };
  return (
    <input class="input" type="number" min={0} max={max} step={step} data-testid={testid} aria-label={label} value={typed ?? String(value)} onFocus={onFocus}
      onInput={(e) => setTyped(e.currentTarget.value)} onChange={(e) => done(e.currentTarget.value)} onBlur={() => setTyped(null)} />
  );
}

/** Across and down in hundredths of the picture. */
function PointList({ outline, chosen, draw, fixed }: PointsProps) {
  const words = useWords();
  const hold = (point: number) => draw({ do: 'choose', chosen: { ...chosen, point } });
  const put = (i: number, axis: 0 | 1, percent: number) => {
    const p = outline[i] as Point;
    const v = tidy(percent / 100);
    hold(i);
    draw({ do: 'move', to: axis === 0 ? [v, p[1]] : [p[0], v] });
  };
  const act = (i: number, a: Act) => {
    hold(i);
    draw(a);
  };
  return (
    <table class="points" data-testid="points">
      <caption>{words.t('cameras.points', { n: outline.length })}</caption>
      <thead><tr><th scope="col">#</th><th scope="col">{words.t('cameras.across')}</th><th scope="col">{words.t('cameras.down')}</th><th><span class="sr-only">{words.t('cameras.acts')}</span></th></tr></thead>
      <tbody>
        {outline.map((p, i) => (
          <tr key={i} class={i === chosen.point ? 'point-on' : ''}>
            <th scope="row">{i + 1}</th>
            {([0, 1] as const).map((axis) => (
              <td key={axis}>
                <NumberInput value={Math.round(p[axis] * 1000) / 10} max={100} step={1} testid={axis === 0 ? 'point-x' : 'point-y'} label={words.t(axis === 0 ? 'cameras.acrossOf' : 'cameras.downOf', { n: i + 1 })}
                  onFocus={() => { if (i !== chosen.point) hold(i); }} onPut={(v) => put(i, axis, v)} />
              </td>
            ))}
            <td>
              {!fixed && (
                <>
                  <button type="button" class="button button-small button-icon" aria-label={words.t('cameras.addAfter', { n: i + 1 })} disabled={outline.length >= MAX_POINTS} data-testid="point-add" onClick={() => act(i, { do: 'insert' })}>+</button>
                  <button type="button" class="button button-small button-icon" aria-label={words.t('cameras.removePoint', { n: i + 1 })} disabled={outline.length <= MIN_POINTS} data-testid="point-drop" onClick={() => act(i, { do: 'drop' })}>−</button>
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
