/** Where a case stands in its loop: step, unit, who has it in hand, and its deadlines with their countdown. */
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import type { Case, Deadline, TimeLeft } from '../types';
import { Fact, Time, useTicking } from '../ui/bits';
import { ToneMark } from '../ui/marks';
import { useTitles, useUnits, useWorkflows } from './catalog';
import { countdown, toneOf, type Tone } from './deadlines';
import { leftText } from './left';

export function UnitName({ id }: { id: string }) {
  const words = useWords();
  return <>{pick(words, useUnits().find((u) => u.id === id)?.title) || id}</>;
}

interface LoopCardProps {
  case: Case;
  /** What central said is left, and when it said so (milliseconds). */
  left: readonly TimeLeft[];
  askedAt: number;
  today: Date;
}

export function LoopCard({ case: c, left, askedAt, today }: LoopCardProps) {
  const words = useWords();
  const titles = useTitles();
  const workflow = useWorkflows().find((w) => w.id === c.workflow);
  return (
    <section class="card block" aria-labelledby="loop-title" data-testid="case-loop" data-step={c.step}>
      <h2 id="loop-title">{words.t('case.loop')}<span class="muted small">{workflow ? pick(words, workflow.titles) : c.workflow}</span></h2>
      <dl class="facts">
        <Fact name={words.t('cases.step')}>{c.step ? <strong>{titles.step(c.workflow, c.step)}</strong> : words.t('case.notTaken')}</Fact>
        <Fact name={words.t('cases.level')}>{words.word('level', c.level)}</Fact>
        {c.unit && <Fact name={words.t('cases.unit')}><UnitName id={c.unit} /></Fact>}
        {c.helpers && c.helpers.length > 0 && <Fact name={words.word('field', 'helpers')}>{c.helpers.map((id, i) => <span key={id}>{i > 0 && ', '}<UnitName id={id} /></span>)}</Fact>}
        {c.assignee && <Fact name={words.word('field', 'assignee')}>{c.assignee}</Fact>}
        {c.handler && <Fact name={words.t('case.handler')}>{c.handler}</Fact>}
        {c.wakeAt && <Fact name={words.word('field', 'until')}><Time at={c.wakeAt} today={today} /></Fact>}
        {c.rating && <Fact name={words.word('field', 'rating')}>{words.t('step.stars', { n: c.rating })}</Fact>}
      </dl>
      {c.parkedAt && <p class="parked" data-testid="case-parked"><ToneMark tone="still" />{words.t('case.parked')} <Time at={c.parkedAt} today={today} /></p>}
      {c.deadlines && c.deadlines.length > 0 && (
        <>
          <h3>{words.t('case.deadlines')}</h3>
          <ul class="plain deadlines">
            {c.deadlines.map((d) => <DeadlineLine key={d.name} deadline={d} left={left.find((t) => t.deadline === d.name)} askedAt={askedAt} today={today} over={c.state === 'closed'} />)}
          </ul>
        </>
      )}
    </section>
  );
}

interface LineProps {
  deadline: Deadline;
  left: TimeLeft | undefined;
  askedAt: number;
  today: Date;
  over: boolean;
}

/** A closed case waits for nothing: what it still had to do is told without alarm. */
function DeadlineLine({ deadline: d, left, askedAt, today, over }: LineProps) {
  const words = useWords();
  const drop = over && !d.met;
  const say = (now: Date): string => {
    if (drop) return `still|${words.t('deadline.dropped')}`;
    const counted = left && !d.met && d.due ? leftText(words, left, (now.getTime() - askedAt) / 1000) : countdown(words, d, now);
    return `${toneOf(d, now)}|${counted}`;
  };
  const [tone, text] = useTicking(() => say(new Date()), 1000).split('|') as [Tone, string];
  return (
    <li class="deadline" data-testid="deadline" data-tone={tone}>
      <ToneMark tone={tone} label={words.t(`deadline.tone.${tone}`)} />
      <span>{words.word('deadlineName', d.name)}</span>
      <span>
        <span class={`tone-text tone-${tone}`}>{text}</span>
        {left?.working && !drop && !d.met && <small class="muted deadline-note">{words.t(left.running ? 'desk.left.working' : 'desk.left.rest')}</small>}
      </span>
      {d.due && <span class="time muted"><Time at={d.due} today={today} /></span>}
    </li>
  );
}
