/** One row of the feed. */
import { Component } from 'preact';
import type { Tone } from '../cases/deadlines';
import { reading, span } from '../format';
import { useWords } from '../i18n';
import type { Alert, CaseState } from '../types';
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
  selected: boolean;
  onSelect: (a: Alert) => void;
}

/** Drawn again only when what it shows changed: a burst must not redraw hundreds of rows. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: Readonly<RowProps>): boolean {
    const shown = this.props;
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== shown[name]);
  }

  override render(props: RowProps) {
    return <RowButton {...props} />;
  }
}

function RowButton({ alert: a, caseState, step, tone, over, awaited, today, selected, onSelect }: RowProps) {
  const words = useWords();
  const unhandled = caseState === 'open' && a.state !== 'cleared' && !over;
  const look = unhandled ? `feed-row-${a.severity}` : 'feed-row-calm';
  return (
    <button type="button" class={`feed-row ${look}`} data-testid="feed-row" data-kind={a.kind} data-severity={a.severity}
      data-state={a.state} data-id={a.id} aria-pressed={selected} onClick={() => onSelect(a)}>
      <SeverityMark severity={a.severity} />
      <Thumb alert={a} awaited={awaited} />
      <span class="feed-what">
        <Headline alert={a} over={over} />
        <span class="feed-place">
          <GridCode code={a.grid} />
          {a.zone && <span class="zone">{a.zone}</span>}
          <span class="name">{a.device}</span>
        </span>
      </span>
      <span class="feed-when">
        <span class="time"><Time at={a.occurredAt} today={today} /></span>
        <Ago at={a.occurredAt} />
      </span>
      <span class="feed-case">
        {caseState && <CaseStateChip state={caseState} />}
        {step !== '' && <span class="small muted">{step}</span>}
        {tone && tone !== 'calm' && <ToneMark tone={tone} label={words.t(`deadline.tone.${tone}`)} />}
      </span>
    </button>
  );
}

function Headline({ alert: a, over }: { alert: Alert; over: boolean }) {
  const words = useWords();
  const late = Date.parse(a.receivedAt) - Date.parse(a.raisedAt);
  return (
    <span class="feed-headline">
      <strong>{words.word('kind', a.kind)}</strong>
      {a.state === 'cleared' && <span class="tag tag-ok">{words.word('alertState', 'cleared')}</span>}
      {over && <span class="tag tag-ok">{words.t('feed.ended')}</span>}
      {a.exercise && <ExerciseTag />}
      {a.object && a.object !== 'unknown' && <span class="feed-note">{words.word('object', a.object)}{a.countBucket ? ` ${a.countBucket}` : ''}</span>}
      {a.reading && <span class="feed-note">{reading(words, a.reading)}</span>}
      {late > LATE && <span class="tag">{words.t('feed.late', { age: span(words, late) })}</span>}
    </span>
  );
}
