/**
 * Who jobs are started by: who called sudo, else who is logged in; `@` the machine that they came from, where SSH says
 * it (`SSH_CONNECTION` is `client port server port`).
 */
export function operatorName(
  env: Readonly<Record<string, string | undefined>>,
  login: string | undefined,
): string {
  const who = env.SUDO_USER || login || env.USER || env.LOGNAME || 'unknown';
  const from = (env.SSH_CONNECTION || env.SSH_CLIENT)?.split(' ')[0];
  // The agent takes 200 characters.
  return (from ? `${who}@${from}` : who).slice(0, 200);
}
