export { acceptsConnections, type RunningAgentProcess, startAgent } from './agent-process.ts';
export { type BootedMachine, bootMachine, bootSupport } from './booted-machine.ts';
export { type Authority, certificateAuthority, type Issued } from './certificates.ts';
export { engineSupport, podmanSupport } from './engine-support.ts';
export { fillDisk } from './fill-disk.ts';
export { freePort } from './free-port.ts';
export type { GitHttpServer } from './git-http.ts';
export type { CommitOptions, GitRepository } from './git-repository.ts';
export { createGitRepository } from './git-repository.ts';
export { createGitServers, type GitServers } from './git-servers.ts';
export type { GitSshServer } from './git-ssh.ts';
export type { DockerHost, Host } from './host.ts';
export { ONE_USER, serveHostRegistry } from './host-registry.ts';
export { connectNamespaces, type Line } from './line.ts';
export { hasLoopDevices, type LosableDisk, mountLosableDisk } from './losable-disk.ts';
export { makeNetworkPlace, type NetworkPlace } from './network-place.ts';
export { signalProcess } from './process-mark.ts';
export { bundlePrograms, programFiles } from './programs.ts';
export type { SandboxRegistry } from './registry.ts';
export { residentBytes } from './resident-bytes.ts';
export {
  createSandbox,
  hostOf,
  LONGEST_DIR,
  removeSandboxesKeptFor,
  type Sandbox,
  sandboxesKeptFor,
  sweep,
} from './sandbox.ts';
export { type SharedSandbox, sharedSandbox } from './shared-sandbox.ts';
export { mountSmallDisk } from './small-disk.ts';
export { type Sshd, startSshd } from './sshd.ts';
export { pushStandardImages } from './standard-images.ts';
