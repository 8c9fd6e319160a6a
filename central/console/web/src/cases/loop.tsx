/** Where a case stands in its loop: step, unit, who has it in hand, and its deadlines with their countdown. */
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import type { Case, Deadline } from '../types';
import { Fact, Time, useTicking } from '../ui/bits';
import { ToneMark } from '../ui/marks';
import { useTitles, useUnits, useWorkflows } from './catalog';
import { countdown, toneOf, type Tone } from './deadlines';

export function UnitName({ id }: { id: string }) {
  const words = useWords();
  return <>{pick(words, useUnits().find((u) => u.id === id)?.title) || id}</>;
}

export function LoopCard({ case: c, today }: { case: Case; today: Date }) {
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
            {c.deadlines.map((d) => <DeadlineLine key={d.name} deadline={d} today={today} over={c.state === 'closed'} />)}
          </ul>
        </>
      )}
    </section>
  );
}

/** A closed case waits for nothing: what it still had to do is told without alarm. */
function DeadlineLine({ deadline: d, today, over }: { deadline: Deadline; today: Date; over: boolean }) {
  const words = useWords();
  const drop = over && !d.met;
  const [tone, text] = useTicking(() => `${drop ? 'still' : toneOf(d, new Date())}|${drop ? words.t('deadline.dropped') : countdown(words, d, new Date())}`, 1000).split('|') as [Tone, string];
  return (
    <li class="deadline" data-testid="deadline" data-tone={tone}>
      <ToneMark tone={tone} />
      <span>{words.word('deadlineName', d.name)}</span>
      <span class={`tone-text tone-${tone}`}>{text}</span>
      {d.due && <span class="time muted"><Time at={d.due} today={today} /></span>}
    </li>
  );
}
