/** Why an edge is as it is: what it waits for in the reader's language, and else the edge's own words. */
import { useWords } from '../i18n';

export function Why({ of: e }: { of: { why?: string; waits?: string } }) {
  const words = useWords();
  return <>{e.waits ? words.word('fleetWaits', e.waits) : e.why}</>;
}
