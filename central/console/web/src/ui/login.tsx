/** Signing in. */
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError } from '../api';
import { useWords } from '../i18n';
import type { Session } from '../types';
import { errorText } from '../problem';
import { useTitle } from './bits';
import { LangSwitch } from './shell';

export function Login({ expired, onSession }: { expired: boolean; onSession: (s: Session) => void }) {
  const words = useWords();
  useTitle(words.t('login.submit'));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [oidc, setOIDC] = useState(false);
  useEffect(() => {
    api.ways().then((ways) => setOIDC(ways.oidc)).catch(() => setOIDC(false)); // local accounts sign in all the same
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    try {
      onSession(await api.signIn(String(form.get('user')).trim(), String(form.get('password'))));
    } catch (err) {
      setError(err);
      setBusy(false);
    }
  };
  const refused = error instanceof ApiError && error.status === 401;
  const text = error ? (refused ? words.t('login.refused') : errorText(words, error)) : expired ? words.t('login.expired') : '';
  return (
    <main class="login">
      <form class="login-card" onSubmit={submit}>
        <img class="login-mark" src="/icon.svg" alt="" width={48} height={48} />
        <h1>{words.t('login.title')}</h1>
        <p class="muted">{words.t('login.about')}</p>
        <p class="form-error" role="alert">{text}</p>
        <label class="field">
          <span>{words.t('login.user')}</span>
          <input class="input" name="user" data-testid="login-user" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
        </label>
        <label class="field">
          <span>{words.t('login.password')}</span>
          <input class="input" name="password" data-testid="login-password" type="password" autocomplete="current-password" required />
        </label>
        <button class="button button-primary button-wide" data-testid="login-submit" type="submit" disabled={busy}>
          {words.t(busy ? 'login.busy' : 'login.submit')}
        </button>
        {oidc && <a class="button button-wide" data-testid="login-oidc" href="/v1/session/oidc">{words.t('login.oidc')}</a>}
        <div class="login-foot"><LangSwitch /></div>
      </form>
    </main>
  );
}
