/** Sounds by severity, made by the browser (Web Audio), no files. Told apart by number, pitch and rhythm. */
import type { Severity } from '../types';

/** Tones: hertz, begin and length in seconds. */
type Tone = readonly [hertz: number, from: number, length: number];

const PATTERNS: Readonly<Record<Severity, readonly Tone[]>> = {
  info: [[392, 0, 0.12]],
  minor: [[523, 0, 0.18]],
  major: [[740, 0, 0.16], [740, 0.24, 0.16]],
  critical: [[988, 0, 0.16], [784, 0.18, 0.16], [988, 0.36, 0.16], [784, 0.54, 0.16], [988, 0.72, 0.24]],
};

const LOUD: Readonly<Record<Severity, number>> = { info: 0.12, minor: 0.2, major: 0.3, critical: 0.45 };

export class Chime {
  private context: AudioContext | null = null;

  /** Whether a sound would be heard: the browser lets no page sound before somebody clicked or pressed a key. */
  get ready(): boolean {
    return this.context?.state === 'running';
  }

  /** Tries to be let; to be called by a click or a key. */
  async open(): Promise<boolean> {
    this.context ??= new AudioContext();
    if (this.context.state !== 'running') await Promise.race([this.context.resume(), new Promise((r) => setTimeout(r, 300))]).catch(() => undefined);
    return this.ready;
  }

  close(): void {
    void this.context?.close().catch(() => undefined);
    this.context = null;
  }

  play(severity: Severity): void {
    const { context } = this;
    if (!context || !this.ready) return;
    const now = context.currentTime + 0.02;
    for (const [hertz, from, length] of PATTERNS[severity]) tone(context, hertz, now + from, length, LOUD[severity]);
  }
}

function tone(context: AudioContext, hertz: number, at: number, length: number, loud: number): void {
  const source = context.createOscillator();
  const gain = context.createGain();
  source.type = 'triangle';
  source.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loud, at + 0.015);
  gain.gain.setValueAtTime(loud, at + length - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + length);
  source.connect(gain).connect(context.destination);
  source.start(at);
  source.stop(at + length);
}
