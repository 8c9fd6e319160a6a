/** What central knows of workflows, units and classes: asked once a visit, and again after a failure. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api } from '../api';
import { useWords } from '../i18n';
import type { EventClass, Unit, Workflow } from '../types';
import { titlesOf, type Titles } from './titles';

function once<T>(load: () => Promise<T[]>): () => Promise<readonly T[]> {
  let asked: Promise<readonly T[]> | null = null;
  return () => {
    asked ??= load().catch((err: unknown) => {
      asked = null;
      throw err;
    });
    return asked;
  };
}

const sources = { workflows: once<Workflow>(() => api.workflows()), units: once<Unit>(() => api.units()), classes: once<EventClass>(() => api.classes()) };

function useList<T>(load: () => Promise<readonly T[]>): readonly T[] {
  const [list, setList] = useState<readonly T[]>([]);
  useEffect(() => {
    let gone = false;
    load().then((l) => gone || setList(l), () => undefined); // codes stand in for words until it is there
    return () => {
      gone = true;
    };
  }, [load]);
  return list;
}

export const useWorkflows = (): readonly Workflow[] => useList(sources.workflows);
export const useUnits = (): readonly Unit[] => useList(sources.units);
export const useClasses = (): readonly EventClass[] => useList(sources.classes);

export function useTitles(): Titles {
  const words = useWords();
  const workflows = useWorkflows();
  return useMemo(() => titlesOf(words, workflows), [words, workflows]);
}
