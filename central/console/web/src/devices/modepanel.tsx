/** Arms, disarms or tests a device, or a zone of a camera, for a while; shows what is in force and until when. */
import { useState } from 'preact/hooks';
import { Dialog } from '../cases/dialog';
import { moment, span } from '../format';
import { useWords, type Key } from '../i18n';
import { errorText } from '../problem';
import type { ZoneMode } from '../types';
import { endMode, setMode, type KnownDevice, type Modes } from './api';
import { endOf, firstSpan, lifeSafety, MAX_REASON, modesFor, saysWhy, spansFor, stageOf, targets, type Target } from './modes';

interface PanelProps {
  edge: string;
  device: KnownDevice;
  modes: Modes;
  may: boolean;
  onChanged: () => void;
}

const DO: Readonly<Record<ZoneMode, Key>> = { armed: 'cameras.arm', disarmed: 'cameras.disarm', 'walk-test': 'cameras.walkTest' };
const STAGE: Readonly<Record<ReturnType<typeof stageOf>, Key>> = { 'in-force': 'cameras.stage.inForce', sent: 'cameras.stage.sent', told: 'cameras.stage.told' };

export function ModePanel({ edge, device, modes, may, onChanged }: PanelProps) {
  const words = useWords();
  const [asking, setAsking] = useState<{ target: Target; mode: ZoneMode } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const act = async (f: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await f();
      setAsking(null);
      onChanged();
    } catch (err) {
      setError(err);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card block" aria-labelledby="modes-title">
      <h2 id="modes-title">{words.t('cameras.modes')}</h2>
      <ul class="plain modes">
        {targets(device, modes.items).map((t) => (
          <li key={t.zone} class="mode-row" data-testid="mode-row" data-zone={t.zone} data-stage={t.order ? stageOf(t) : ''}>
            <TargetText device={device} target={t} />
            {may && (
              <span class="mode-acts">
                {modesFor(device).map((m) => (
                  <button key={m} type="button" class="button button-small" data-testid={`mode-${m}`} disabled={busy} onClick={() => setAsking({ target: t, mode: m })}>
                    {words.t(DO[m])}<span class="sr-only"> {t.zone || device.id}</span>
                  </button>
                ))}
                {t.order && (
                  <button type="button" class="button button-small" data-testid="mode-end" disabled={busy} onClick={() => void act(() => endMode(edge, device.id, t.zone))}>
                    {words.t('cameras.endMode')}<span class="sr-only"> {t.zone || device.id}</span>
                  </button>
                )}
              </span>
            )}
          </li>
        ))}
      </ul>
      {lifeSafety(device) && <p class="muted small">{words.t('cameras.neverDisarmed')}</p>}
      {error !== null && !asking && <p class="form-error" role="alert">{errorText(words, error)}</p>}
      {asking && <ModeDialog device={device} {...asking} busy={busy} error={error} onCancel={() => setAsking(null)}
        onSet={(until, reason) => void act(() => setMode(edge, { device: device.id, ...(asking.target.zone ? { zone: asking.target.zone } : {}), mode: asking.mode, until, ...(reason ? { reason } : {}) }))} />}
    </section>
  );
}

function TargetText({ device, target: t }: { device: KnownDevice; target: Target }) {
  const words = useWords();
  const name = t.zone || words.t(device.family === 'cameras' ? 'cameras.wholeCamera' : 'cameras.thisSensor');
  return (
    <div class="mode-text">
      <strong>{name}</strong>
      {t.mode && <span class={`tag mode-${t.mode}`}>{words.word('mode', t.mode)}</span>}
      {t.order && (
        <span class="mode-order">
          {words.t('cameras.ordered', { mode: words.word('mode', t.order.mode), until: moment(words.lang, new Date(t.order.until), new Date()), by: t.order.by })}
          {t.order.reason && <span class="muted"> {t.order.reason}</span>}
          {' '}<span class={`tag ${stageOf(t) === 'in-force' ? 'tag-ok' : ''}`}>{words.t(STAGE[stageOf(t)])}</span>
        </span>
      )}
    </div>
  );
}

interface ModeDialogProps {
  device: KnownDevice;
  target: Target;
  mode: ZoneMode;
  busy: boolean;
  error: unknown;
  onCancel: () => void;
  onSet: (until: string, reason: string) => void;
}

function ModeDialog({ device, target, mode, busy, error, onCancel, onSet }: ModeDialogProps) {
  const words = useWords();
  const [lasts, setLasts] = useState(firstSpan(device, mode));
  const [reason, setReason] = useState('');
  const demanded = mode === 'disarmed';
  const title = words.t('cameras.modeTitle', { act: words.t(DO[mode]), what: target.zone || device.id });
  return (
    <Dialog title={title} submit={words.t(DO[mode])} busy={busy} ready={!demanded || saysWhy(reason)} error={error} onCancel={onCancel} onSubmit={() => onSet(endOf(Date.now(), lasts), reason.trim())}>
      <label class="field">
        <span>{words.t('cameras.forHow')}</span>
        <select class="input" data-testid="mode-span" value={String(lasts)} onChange={(e) => setLasts(Number(e.currentTarget.value))}>
          {spansFor(device, mode).map((s) => <option key={s} value={String(s)}>{span(words, s)}</option>)}
        </select>
      </label>
      <p class="muted small">{words.t('cameras.afterwards', { until: moment(words.lang, new Date(Date.now() + lasts), new Date()) })}</p>
      <ReasonField value={reason} demanded={demanded} onChange={setReason} />
    </Dialog>
  );
}

/** One line about the thing and the place. */
export function ReasonField({ value, demanded, onChange }: { value: string; demanded: boolean; onChange: (reason: string) => void }) {
  const words = useWords();
  return (
    <label class="field">
      <span>{words.word('field', 'reason')}{!demanded && <small class="muted"> {words.t('step.optional')}</small>}</span>
      <input class="input" maxLength={MAX_REASON} data-testid="reason" value={value} onInput={(e) => onChange(e.currentTarget.value)} />
      <small class="muted">{words.t('step.noteHint')}</small>
    </label>
  );
}
