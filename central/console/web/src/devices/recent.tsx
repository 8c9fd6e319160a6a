/** What a device raised last: its alerts with their pictures, and the cases that they belong to. */
import { useState } from 'preact/hooks';
import { api } from '../api';
import { useWords } from '../i18n';
import { Link, Time, useToday } from '../ui/bits';
import { CaseStateChip, ExerciseTag, SeverityMark } from '../ui/marks';
import { onset, shots, Thumb, Viewer } from '../ui/picture';
import type { Alert, Case } from '../types';
import { usePolled } from './poll';

const ALERTS = 8;
const CASES = 5;
const EVERY = 15_000;

/** The newest alerts of a device, and the newest cases of theirs. A case that is gone meanwhile is left out. */
async function recentOf(edge: string, device: string, signal: AbortSignal): Promise<{ alerts: Alert[]; cases: Case[] }> {
  const { items } = await api.alerts({ edge, device, limit: 40 }, signal);
  const ids = [...new Set(items.map((a) => a.caseId).filter((id) => id !== ''))].slice(0, CASES);
  const cases = await Promise.all(ids.map((id) => api.case(id, signal).catch(() => null)));
  return { alerts: items.filter((a) => a.state !== 'cleared').slice(0, ALERTS), cases: cases.filter((c) => c !== null) };
}

export const useRecent = (edge: string, device: string) => usePolled(`${edge}/${device}`, EVERY, (signal) => recentOf(edge, device, signal)).value;

export function RecentAlerts({ alerts }: { alerts: readonly Alert[] }) {
  const words = useWords();
  return (
    <section class="card block" aria-labelledby="recent-alerts">
      <h2 id="recent-alerts">{words.t('cameras.recentAlerts')}</h2>
      {alerts.length === 0 && <p class="muted">{words.t('cameras.noAlerts')}</p>}
      <ul class="plain recent-alerts">{alerts.map((a) => <RecentAlert key={a.id} alert={a} />)}</ul>
    </section>
  );
}

export function RecentCases({ cases }: { cases: readonly Case[] }) {
  const words = useWords();
  if (cases.length === 0) return null;
  return (
    <section class="card block" aria-labelledby="recent-cases">
      <h2 id="recent-cases">{words.t('cameras.recentCases')}</h2>
      <ul class="plain recent">{cases.map((c) => <RecentCase key={c.id} case={c} />)}</ul>
    </section>
  );
}

function RecentAlert({ alert: a }: { alert: Alert }) {
  const words = useWords();
  const today = useToday();
  const [open, setOpen] = useState(-1);
  const all = shots([a]);
  return (
    <li class="recent-alert" data-testid="recent-alert">
      {all.length > 0
        ? <button type="button" class="shot" aria-label={words.t('picture.open')} onClick={() => setOpen(onset(all))}><Thumb alert={a} awaited={false} /></button>
        : <Thumb alert={a} awaited={false} />}
      <span class="recent-text">
        <span><SeverityMark severity={a.severity} bare /> <strong>{words.word('kind', a.kind)}</strong> {a.zone} {a.exercise && <ExerciseTag />}</span>
        <span class="muted small"><Time at={a.occurredAt} today={today} /> {words.word('alertState', a.state)}</span>
      </span>
      {open >= 0 && <Viewer shots={all} index={open} onIndex={setOpen} onClose={() => setOpen(-1)} />}
    </li>
  );
}

function RecentCase({ case: c }: { case: Case }) {
  const words = useWords();
  const today = useToday();
  return (
    <li>
      <Link href={`/cases/${c.id}`} class="part" testid="recent-case">
        <SeverityMark severity={c.severity} bare /><strong>{words.word('kind', c.kind)}</strong><CaseStateChip state={c.state} />
        <span class="muted small"><Time at={c.openedAt} today={today} /></span>
        {c.reason && <span class="muted small">{words.word('reason', c.reason)}</span>}
      </Link>
    </li>
  );
}
