/** One row of the feed. */
import { Component } from 'preact';
import type { Tone } from '../cases/deadlines';
import { reading, span } from '../format';
import { useWords } from '../i18n';
import type { Alert, CaseState } from '../types';
import type { Chain } from './fold';
import { Ago, GridCode, Time } from '../ui/bits';
import { CaseStateChip, ExerciseTag, SeverityMark, ToneMark } from '../ui/marks';
import { Thumb } from '../ui/picture';

const LATE = 60_000;

interface RowProps {
  alert: Alert;
  caseState: CaseState | undefined;
  /** What the step is called at which its case stands; empty where that is not known. */
  step: string;
  /** How near the deadline of its case is that is nearest to be missed. */
  tone: Tone | null;
  /** The situation that this alert raised has ended. */
  over: boolean;
  awaited: boolean;
  today: Date;
  /** The chain that this row stands for, and how many alerts it has. */
  fold: Chain | null;
  n: number;
  open: boolean;
  /** It is one of a chain that is unfolded. */
  member: boolean;
  /** What is above it came while the connection was lost, or later. */
  gap: boolean;
  selected: boolean;
  /** The list moves so fast that nobody can read more of it than what happened when. */
  light: boolean;
  /** It is the one that Tab goes to. */
  reachable: boolean;
  onSelect: (a: Alert) => void;
  onActive: (a: Alert) => void;
  onFold: (c: Chain) => void;
}

/** Drawn again only when what it shows changed: a burst must not redraw every row. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: Readonly<RowProps>): boolean {
    const shown = this.props;
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== shown[name]);
  }

  override render(props: RowProps) {
    return (
      <>
        <RowButton {...props} />
        {props.fold && <FoldButton fold={props.fold} n={props.n} open={props.open} onFold={props.onFold} />}
        {props.gap && <GapMark />}
      </>
    );
  }
}

function FoldButton({ fold, n, open, onFold }: { fold: Chain; n: number; open: boolean; onFold: (c: Chain) => void }) {
  const words = useWords();
  const name = words.t(open ? 'feed.refold' : 'feed.unfold', { n });
  return (
    <button type="button" class="fold" data-testid="fold" tabIndex={-1} aria-expanded={open} aria-label={name} title={name} onClick={() => onFold(fold)}>
      ×{n}<i class={open ? 'fold-mark fold-open' : 'fold-mark'} aria-hidden="true" />
    </button>
  );
}

function GapMark() {
  const words = useWords();
  return <p class="feed-gap" data-testid="feed-gap">{words.t('feed.gap')}</p>;
}

function RowButton({ alert: a, caseState, step, tone, over, awaited, today, fold, n, member, light, selected, reachable, onSelect, onActive }: RowProps) {
  const severity = fold?.severity ?? a.severity;
  const unhandled = caseState === 'open' && (fold !== null || (a.state !== 'cleared' && !over));
  const look = `${unhandled ? `feed-row-${severity}` : 'feed-row-calm'}${member ? ' feed-row-member' : ''}`;
  return (
    <button type="button" class={`feed-row ${look}`} data-testid="feed-row" data-kind={a.kind} data-severity={severity} tabIndex={reachable ? 0 : -1}
      data-state={a.state} data-id={a.id} aria-pressed={selected} onClick={() => onSelect(a)} onFocus={() => onActive(a)}>
      <SeverityMark severity={severity} />
      {light ? <span class="thumb" /> : <Thumb alert={a} awaited={awaited} />}
      <span class="feed-what">
        <Headline alert={a} over={over} n={n} />
        {!light && <Place alert={a} />}
      </span>
      <span class="feed-when">
        <span class="time"><Time at={a.occurredAt} today={today} /></span>
        {!light && <Ago at={a.occurredAt} />}
      </span>
      <span class="feed-case">{!light && <Standing caseState={caseState} step={step} tone={tone} />}</span>
    </button>
  );
}

function Place({ alert: a }: { alert: Alert }) {
  return (
    <span class="feed-place">
      <GridCode code={a.grid} />
      {a.zone && <span class="zone">{a.zone}</span>}
      <span class="name">{a.device}</span>
    </span>
  );
}

function Standing({ caseState, step, tone }: Pick<RowProps, 'caseState' | 'step' | 'tone'>) {
  const words = useWords();
  return (
    <>
      {caseState && <CaseStateChip state={caseState} />}
      {step !== '' && <span class="small muted">{step}</span>}
      {tone && tone !== 'calm' && <ToneMark tone={tone} label={words.t(`deadline.tone.${tone}`)} />}
    </>
  );
}

function Headline({ alert: a, over, n }: { alert: Alert; over: boolean; n: number }) {
  const words = useWords();
  const late = Date.parse(a.receivedAt) - Date.parse(a.raisedAt);
  return (
    <span class="feed-headline">
      <strong>{words.word('kind', a.kind)}</strong>
      {a.state === 'cleared' && <span class="tag tag-ok">{words.word('alertState', 'cleared')}</span>}
      {over && <span class="tag tag-ok">{words.t('feed.ended')}</span>}
      {a.exercise && <ExerciseTag />}
      {n > 0 && <span class="tag" data-testid="flapped">{words.t('feed.fold', { n })}</span>}
      {a.object && a.object !== 'unknown' && <span class="feed-note">{words.word('object', a.object)}{a.countBucket ? ` ${a.countBucket}` : ''}</span>}
      {a.reading && <span class="feed-note">{reading(words, a.reading)}</span>}
      {late > LATE && <span class="tag">{words.t('feed.late', { age: span(words, late) })}</span>}
    </span>
  );
}
