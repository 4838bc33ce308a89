import { inject } from 'vitest';
import type { Host } from './host.ts';
import { attachPodmanHost } from './podman-host.ts';
import { hostOf } from './sandbox.ts';

/** What the test run's set-up says of the sandbox that all its engine tests share. */
interface SharedSandboxPlace {
  id: string;
  dir: string;
  registry: string;
  /** The name of the host with Podman. */
  podman: string | undefined;
}

export interface SharedSandbox {
  /** `localhost:PORT`. */
  registry: string;
  hosts: { a: Host; b: Host };
  /** The host with Podman; throws where `podmanSupport` says that there can be none. */
  podman(): Host;
}

declare module 'vitest' {
  interface ProvidedContext {
    sandbox: SharedSandboxPlace | undefined;
  }
}

/**
 * The one sandbox of a test run: hosts `a` and `b`, one with Podman, and the standard images. For tests that stop no engine and no
 * registry; their containers have names of their own.
 */
export async function sharedSandbox(): Promise<SharedSandbox> {
  const place = inject('sandbox');
  if (place === undefined)
    throw new Error('This test needs an engine: its file is to be named *.engine.test.ts.');
  return {
    registry: place.registry,
    hosts: { a: hostOf(place, 'a'), b: hostOf(place, 'b') },
    podman() {
      if (place.podman === undefined) throw new Error('Podman is not on this machine: run `npm run setup`.');
      return attachPodmanHost({ sandboxId: place.id, sandboxDir: place.dir, name: place.podman });
    },
  };
}
