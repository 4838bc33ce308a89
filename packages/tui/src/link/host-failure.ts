/** Why a machine's port can't be connected to, with what to do about it. */
export function hostFailure(name: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOTFOUND':
      return `There is no host of the name in ${name}. Look at the map's url.`;
    case 'EAI_AGAIN':
      return `The name in ${name} can't be looked up now: no name server answers.`;
    case 'ECONNREFUSED':
      return `Nothing listens on ${name}: the agent is not running there, or not with this --listen.`;
    case 'ETIMEDOUT':
      return `${name} does not answer: the machine is off, or something between drops what is sent to it.`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `There is no way to ${name} from here (${code}). Look at the network of both machines.`;
    default: {
      const reason = error instanceof Error && error.message !== '' ? error.message : code;
      return `${name} can't be connected to: ${reason}.`;
    }
  }
}
