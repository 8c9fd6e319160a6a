/** Desktop notifications: asked for by a click, shown only while the page is hidden, without a picture. */
import type { Words } from '../i18n';
import { SEVERITIES, type Alert } from '../types';

/** Alerts below this are not worth leaving another window for. */
const LEAST = SEVERITIES.indexOf('major');
/** Milliseconds between two; what comes between is counted. */
const PACE = 5000;

export const canNotify = (): boolean => 'Notification' in globalThis && Notification.permission === 'granted';

export async function askToNotify(): Promise<boolean> {
  return 'Notification' in globalThis && (await Notification.requestPermission()) === 'granted';
}

export class Notifier {
  private waiting: Alert[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastAt = -Infinity;

  take(a: Alert, words: Words): void {
    if (!document.hidden || SEVERITIES.indexOf(a.severity) < LEAST || a.state === 'cleared' || !canNotify()) return;
    this.waiting.push(a);
    if (this.waiting.length > 1) return;
    this.timer = setTimeout(() => this.show(words), Math.max(0, this.lastAt + PACE - Date.now()));
  }

  stop(): void {
    clearTimeout(this.timer);
    this.waiting = [];
  }

  private show(words: Words): void {
    const [one, ...more] = this.waiting;
    this.waiting = [];
    if (!one || !document.hidden) return;
    this.lastAt = Date.now();
    const title = more.length > 0
      ? words.t('feed.notifyMany', { n: more.length + 1 })
      : words.t('feed.notifyOne', { severity: words.word('severity', one.severity), kind: words.word('kind', one.kind) });
    const shown = new Notification(title, { body: one.zone ? `${one.zone} ${one.grid}` : one.grid, tag: 'gridgate', silent: true });
    shown.onclick = () => {
      focus();
      shown.close();
    };
  }
}
