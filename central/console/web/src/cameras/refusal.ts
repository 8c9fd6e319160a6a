/** Why central did not do what was asked of an edge, in the reader's words (central/orders). Pure. */
import type { Key } from '../i18n';

const REFUSALS: readonly (readonly [RegExp, Key])[] = [
  [/edge is not in touch/, 'cameras.no.touch'],
  [/never disarmed/, 'cameras.neverDisarmed'],
  [/looks are under way at this edge/, 'cameras.no.looksEdge'],
  [/you have \d+ looks/, 'cameras.no.looksYours'],
  [/looks of yours in an hour/, 'cameras.no.looksHour'],
  [/looks at this camera in a day/, 'cameras.no.looksDay'],
  [/looking for cameras already/, 'connect.no.already'],
  [/trials are under way|you have \d+ trials/, 'cameras.no.trials'],
  [/edge follows \d+ modes/, 'cameras.no.modes'],
  [/too large together/, 'cameras.no.large'],
  [/camera has no such zone/, 'cameras.no.zone'],
  [/outline crosses itself/, 'cameras.fault.crossing'],
  [/reason: say in words why/, 'cameras.no.reason'],
  [/others changed it at the same time/, 'cameras.no.meanwhile'],
];

/** The key of the words for a problem's detail, or none. */
export const refusalOf = (detail: string): Key | undefined => REFUSALS.find(([said]) => said.test(detail))?.[1];
