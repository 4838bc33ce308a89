import type { Job } from '@towline/core/job';
import type { ExecuteInput } from '@towline/core/protocol';
import { type Host, type RunningAgentProcess, startAgent } from '@towline/test/sandbox';
import { expect } from 'vitest';
import { dial } from './dial-agent.ts';

const END_TIMEOUT_MS = 60_000;

/** An agent in a process of its own, which may be killed and started again on what it left; for tests. */
export class AgentOnEngine {
  readonly #host: Host;
  readonly #dir: string;
  #agent: RunningAgentProcess | undefined;
  #dialled: ReturnType<typeof dial> | undefined;
  #startedAt = '';
  /** What was told of its jobs: how many events, and how many of them were an end. */
  readonly #told = { events: 0, ends: 0 };

  /** `dir` is for its socket and its log, and for its state, under `state`. */
  constructor(host: Host, dir: string) {
    this.#host = host;
    this.#dir = dir;
  }

  async start(): Promise<void> {
    this.#startedAt = new Date().toISOString();
    this.#agent = await startAgent({ host: this.#host, dir: this.#dir });
    this.#dialled = dial(this.#agent.socket);
  }

  /** Executes, and cancels where one step begins; returns the job's id as soon as another one does. */
  async begin(
    input: ExecuteInput,
    step: string,
    { cancelAt }: { cancelAt?: string | undefined } = {},
  ): Promise<string> {
    const { client } = this.#running().dialled;
    const { jobId } = await client.execute.mutate(input);
    const reached = Promise.withResolvers<void>();
    client.followJob.subscribe(
      { id: jobId },
      {
        onData: ({ data }) => {
          this.#told.events += 1;
          if (data.type === 'ended') this.#told.ends += 1;
          if (data.type === 'step-started' && data.step === step) reached.resolve();
          if (data.type === 'step-started' && data.step === cancelAt) {
            client.cancelJob.mutate({ id: jobId }).catch(reached.reject);
          }
          if (data.type === 'ended') reached.reject(new Error(`the job ended ${data.state} before ${step}`));
        },
        onError: reached.reject,
      },
    );
    await reached.promise;
    return jobId;
  }

  /** Executes, and kills the agent as soon as the step begins; returns the job's id. */
  async killAt(step: string, input: ExecuteInput): Promise<string> {
    await this.start();
    const id = await this.begin(input, step);
    await this.kill();
    return id;
  }

  /** Starts the agent again on the same state, and waits for the job's end. */
  async restarted(id: string): Promise<Job> {
    await this.start();
    return await this.ended(id);
  }

  async cancel(id: string): Promise<void> {
    await this.#running().dialled.client.cancelJob.mutate({ id, operator: 'ben' });
  }

  /** Returns when a job that was taken up again begins with something, or has ended. */
  async begins(id: string): Promise<void> {
    const { client } = this.#running().dialled;
    const begun = Promise.withResolvers<void>();
    client.followJob.subscribe(
      { id },
      {
        onData: ({ data }) => {
          const anew = data.type === 'step-started' && data.at >= this.#startedAt;
          if (anew || data.type === 'ended') begun.resolve();
        },
        onError: begun.reject,
      },
    );
    await begun.promise;
  }

  async ended(id: string): Promise<Job> {
    const { client } = this.#running().dialled;
    const ended = async () => (await client.job.query({ id })).endedAt;
    await expect.poll(ended, { timeout: END_TIMEOUT_MS }).toBeDefined();
    return await client.job.query({ id });
  }

  /** Returns when a job goes on, or has ended. */
  async moves(): Promise<void> {
    const before = this.#told.events;
    const moved = () => this.#told.events > before || this.#told.ends > 0;
    await expect.poll(moved, { timeout: END_TIMEOUT_MS, interval: 5 }).toBe(true);
  }

  /** Holds it where it is, while something is done to what it stands on. */
  async heldWhile(work: () => Promise<void>): Promise<void> {
    const { pid } = this.#running().agent;
    process.kill(pid, 'SIGSTOP');
    try {
      await work();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }

  async kill(): Promise<void> {
    await this.#agent?.stop('SIGKILL');
    await this.#dialled?.close();
    this.#agent = undefined;
    this.#dialled = undefined;
  }

  #running(): { agent: RunningAgentProcess; dialled: ReturnType<typeof dial> } {
    if (this.#agent === undefined || this.#dialled === undefined) throw new Error('no agent runs');
    return { agent: this.#agent, dialled: this.#dialled };
  }
}
