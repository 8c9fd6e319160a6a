/** The sealed clips of alerts, and the question to see one: it takes another person to approve. */
import { useContext, useState } from 'preact/hooks';
import { clock } from '../format';
import { useWords } from '../i18n';
import type { Alert } from '../types';
import { Link } from '../ui/bits';
import { IconSealed } from '../ui/icons';
import { clips } from '../ui/picture';
import { SessionContext } from '../ui/session';
import { AskDialog } from './ask';
import { mayAsk } from './api';

export function Clips({ alerts }: { alerts: readonly Alert[] }) {
  const words = useWords();
  const may = mayAsk(useContext(SessionContext));
  const all = clips(alerts);
  if (all.length === 0) return null;
  return (
    <ul class="plain">
      {all.map(({ evidence: e, alert }) => (
        <li key={e.id} class="sealed muted" data-testid="case-clip">
          <IconSealed size={18} />
          <span>{words.t('clip.sealed', { time: clock(words.lang, new Date(e.at)), size: (e.bytes / 1e6).toFixed(1) })}</span>
          {may && <Ask alert={alert.id} clip={e.sha256} />}
        </li>
      ))}
    </ul>
  );
}

function Ask({ alert, clip }: { alert: string; clip: string }) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const done = () => {
    setOpen(false);
    setAsked(true);
  };
  return (
    <>
      {!asked && <button type="button" class="button button-small" data-testid="clip-ask" onClick={() => setOpen(true)}>{words.t('unseal.ask')}</button>}
      <span role="status">{asked && <>{words.t('unseal.asked')} <Link href="/unsealings" testid="clip-asked">{words.t('unseal.toList')}</Link></>}</span>
      {open && <AskDialog alert={alert} clip={clip} onCancel={() => setOpen(false)} onAsked={done} />}
    </>
  );
}
