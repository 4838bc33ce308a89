/**
 * A failure's reason without what it quotes: its first line. What follows is what the step wrote last, which its log has,
 * and which would be said again by all that did not come about because of it.
 */
export function reasonLine(message: string): string {
  const end = message.indexOf('\n');
  return end < 0 ? message : message.slice(0, end).trimEnd();
}
