/** Zones and masks of a camera: what is in force, drawing them over a redacted still, trying them, and sending them to the edge. */
import { useEffect, useReducer, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { Dialog } from '../cases/dialog';
import { moment } from '../format';
import { arrange, unarrange, type Arranged, type DeviceFile } from '../devices/api';
import { ReasonField } from '../devices/modepanel';
import { saysWhy } from '../devices/modes';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { Canvas } from './canvas';
import { begin, draw, sameDrawing, wrongs, type Drawing } from './draft';
import { CAUSES } from './lookdialog';
import type { LookState } from './looking';
import { ShapeList } from './shapelist';
import { TrialPanel } from './trialpanel';
import { useLook } from './uselook';

interface EditorProps {
  device: DeviceFile;
  arranged: Arranged;
  /** Whether zones may be drawn here, and whether a still may be asked for. */
  mayDraw: boolean;
  maySee: boolean;
  onChanged: () => void;
}

const drawingOf = ({ zones, masks }: Arranged): Drawing => ({ zones, masks });

/** How wide a still is, in pixels, and how long it is waited for, in seconds. */
const STILL_SIDE = 1280;
const STILL_WITHIN = 30;

/** What is drawn, what was drawn when it was last read, and sending one in place of the other. */
function useArrangement(arranged: Arranged, onChanged: () => void) {
  const [draft, act] = useReducer(draw, arranged, (a) => begin(drawingOf(a)));
  const [seen, setSeen] = useState(arranged);
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const dirty = !sameDrawing(draft.drawing, drawingOf(seen));
  const load = (a: Arranged) => {
    setSeen(a);
    act({ do: 'load', drawing: drawingOf(a) });
  };
  useEffect(() => {
    if (arranged.version === seen.version) setSeen(arranged);
    else if (!dirty) load(arranged);
  }, [arranged]);
  const send = async (f: () => Promise<Arranged | void>) => {
    setState({ busy: true, error: null });
    try {
      const kept = await f();
      if (kept) load(kept);
      setState({ busy: false, error: null });
    } catch (error) {
      setState({ busy: false, error });
    }
    onChanged();
  };
  return { draft, act, seen, dirty, load, send, ...state };
}

export function ZoneEditor({ device, arranged, mayDraw, maySee, onChanged }: EditorProps) {
  const words = useWords();
  const a = useArrangement(arranged, onChanged);
  const look = useLook(device.edge);
  const { drawing } = a.draft;
  const ready = wrongs(drawing).length === 0 && drawing.zones.length > 0;
  const undoKey = (e: KeyboardEvent) => {
    if (e.key !== 'z' || !(e.ctrlKey || e.metaKey) || e.isComposing || (e.target as Element).closest('input')) return;
    e.preventDefault();
    a.act({ do: 'undo' });
  };
  return (
    <section class="card block editor" aria-labelledby="editor-title" data-testid="editor" onKeyDown={undoKey}>
      <h2 id="editor-title">{words.t('cameras.zonesAndMasks')}</h2>
      <Standing device={device} arranged={a.seen} moved={arranged.version !== a.seen.version} onLoad={() => a.load(arranged)} />
      <div class="editor-body">
        <div class="editor-picture">
          <Canvas still={look.url} draft={a.draft} draw={a.act} fixed={!mayDraw} camera={device.id} />
          {maySee && <StillBar state={look.state} camera={device.id} onAsk={(reason) => look.start({ camera: device.id, reason, seconds: STILL_WITHIN, count: 1, maxSide: STILL_SIDE })} />}
          {mayDraw && <p class="muted small">{words.t('cameras.how')}</p>}
        </div>
        <div class="editor-side">
          <ShapeList draft={a.draft} draw={a.act} fixed={!mayDraw} />
          {mayDraw && <SendBar device={device} arrangement={a} ready={ready} onReset={() => a.load(arranged)} />}
        </div>
      </div>
      {mayDraw && <TrialPanel edge={device.edge} camera={device.id} drawing={drawing} ready={ready} />}
    </section>
  );
}

interface SendProps {
  device: DeviceFile;
  arrangement: ReturnType<typeof useArrangement>;
  ready: boolean;
  onReset: () => void;
}

function SendBar({ device: { edge, id }, arrangement: { draft, seen, dirty, busy, error, send }, ready, onReset }: SendProps) {
  const words = useWords();
  return (
    <div class="editor-send">
      {draft.drawing.zones.length === 0 && <p class="muted small">{words.t('cameras.needZone')}</p>}
      {error !== null && <p class="form-error" role="alert" data-testid="editor-error">{error instanceof ApiError && error.status === 412 ? words.t('cameras.movedOn') : errorText(words, error)}</p>}
      <div class="actions">
        <button type="button" class="button button-primary" data-testid="editor-send" disabled={!ready || !dirty || busy} onClick={() => void send(() => arrange(edge, id, seen.version, draft.drawing))}>
          {words.t(busy ? 'case.working' : 'cameras.send')}
        </button>
        <button type="button" class="button" data-testid="editor-reset" disabled={!dirty || busy} onClick={onReset}>{words.t('cameras.discard')}</button>
        {seen.version > 0 && <button type="button" class="button" data-testid="editor-remove" disabled={busy} onClick={() => void send(() => unarrange(edge, id, seen.version))}>{words.t('cameras.toFile')}</button>}
      </div>
    </div>
  );
}

/** What is in force: the edge's file, or what was drawn here, and how far that has come. */
function Standing({ device, arranged: a, moved, onLoad }: { device: DeviceFile; arranged: Arranged; moved: boolean; onLoad: () => void }) {
  const words = useWords();
  const stage = a.refused ? 'refused' : a.inForce ? 'in-force' : 'sent';
  return (
    <div class="standing" data-testid="standing" data-stage={a.version === 0 && stage === 'in-force' ? 'file' : stage}>
      {a.version === 0 && <p>{words.t('cameras.fileHolds')}</p>}
      {a.version > 0 && <p>{words.t('cameras.drawnBy', { n: a.version, by: a.by ?? '', at: a.at ? moment(words.lang, new Date(a.at), new Date()) : '' })}</p>}
      {stage === 'in-force' && a.version > 0 && <span class="tag tag-ok">{words.t('cameras.stage.inForce')}</span>}
      {stage === 'sent' && <span class="tag">{words.t(device.online ? 'cameras.stage.sent' : 'cameras.stage.offline')}</span>}
      {stage === 'refused' && <p class="form-error">{words.t('cameras.refusedBy', { why: a.refused ?? '' })}</p>}
      {(device.zones?.length ?? 0) > 0 && <p class="muted small">{words.t('cameras.zonesNow', { zones: (device.zones ?? []).map((z) => z.name).join(words.lang === 'en' ? ', ' : '\u3001') })}</p>}
      <p class="muted small">{words.t('cameras.fileMasksStay')}</p>
      {moved && <p class="form-error">{words.t('cameras.movedOn')} <button type="button" class="button button-small" onClick={onLoad}>{words.t('cameras.reload')}</button></p>}
    </div>
  );
}

/** Asks for one redacted picture to draw on. */
function StillBar({ state, camera, onAsk }: { state: LookState | null; camera: string; onAsk: (reason: string) => void }) {
  const words = useWords();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState(words.t('cameras.stillReason'));
  const waiting = state !== null && (state.phase === 'asking' || state.phase === 'waiting');
  const none = state?.phase === 'over' && !state.picture;
  return (
    <div class="still-bar">
      <button type="button" class="button" data-testid="ask-still" disabled={waiting} onClick={() => setAsking(true)}>{words.t(waiting ? 'cameras.look.waiting' : state?.picture ? 'cameras.stillAgain' : 'cameras.askStill')}</button>
      <span role="status">
        {state?.phase === 'failed' && <span class="form-error">{errorText(words, state.error)}</span>}
        {none && <span class="form-error">{words.t(CAUSES[state.cause] ?? 'cameras.look.over')}</span>}
        {state?.picture && <span class="muted small">{words.t('picture.redacted')}</span>}
      </span>
      {asking && (
        <Dialog title={words.t('cameras.stillTitle', { camera })} submit={words.t('cameras.askStill')} busy={false} ready={saysWhy(reason)} error={null} onCancel={() => setAsking(false)}
          onSubmit={() => { setAsking(false); onAsk(reason.trim()); }}>
          <p class="muted">{words.t('cameras.look.about')}</p>
          <ReasonField value={reason} demanded onChange={setReason} />
        </Dialog>
      )}
    </div>
  );
}
