/** Why a Unix socket can't be connected to: the hop that failed, and what to do about it. */
export function connectFailure(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return `There is no agent's socket at ${path}. Start it on this machine, with the state folder and the engine that are its own: towline-agent --socket ${path} --state-dir DIR --engine URL.`;
    case 'ECONNREFUSED':
      return `The agent is not running: nobody answers on its socket ${path}. Start towline-agent again.`;
    case 'EACCES':
    case 'EPERM':
      return `You may not use the agent's socket ${path}: run towline as the user that the agent runs as.`;
    case 'ENOTSOCK':
    case 'ENOTDIR':
      return `${path} is no socket. Give the path of the agent's socket.`;
    case 'EAGAIN':
      return `The agent at ${path} is too busy to take a connection; it is tried again.`;
    case 'ENAMETOOLONG':
    case 'EINVAL':
      return `The path ${path} is too long for a Unix socket. Let the agent use a shorter one.`;
    default: {
      const message = error instanceof Error ? error.message : String(error);
      return `What answers on ${path} is no Towline agent: ${message}.`;
    }
  }
}
