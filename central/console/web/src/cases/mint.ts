/** Ids that the page mints itself (UUIDv7, RFC 9562, section 5.7), so that a report sent twice opens one case. Pure but for its bytes. */

/** at in milliseconds since 1970; ten random bytes. */
export function uuidv7(at: number, random: Uint8Array): string {
  const time = Math.floor(at).toString(16).padStart(12, '0');
  const hex = [...random.slice(0, 10)].map((b) => b.toString(16).padStart(2, '0')).join('');
  const variant = ((parseInt(hex.slice(3, 4), 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`;
}

export const mint = (): string => uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
