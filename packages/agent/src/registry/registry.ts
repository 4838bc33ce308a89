import type { VersionsOutput } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import type { EngineAuth } from '../engine/index.ts';

export interface Manifest {
  /** `sha256:…`, of the manifest or of the list that the tag names. */
  digest: string;
  /** Compressed bytes of its layers (the first platform's, for a list). */
  size?: number;
  createdAt?: string;
  /** The same layers one by one, with the digest of what is in each, by which an engine knows it. */
  layers?: readonly { size: number; diffId: string | undefined }[];
  /** `linux/amd64`, … where it is a list. */
  platforms?: string[];
}

/** What an image says of the containers that are made of it; `config` as an engine's inspect of it has it. */
export interface ImageDefaults {
  os: string;
  arch: string;
  config: object;
}

/** What image registries know. Names are given without a tag, as people write them (`shop/gateway`, `localhost:5000/a`). */
export interface Registry {
  /** All tags, at most 10,000. Errors: `registry-unavailable`, `image-not-found`, `registry-denied`, `bad-image`. */
  tags(image: string): Promise<Result<string[]>>;
  /** `signal` ends the waiting. Errors: `tag-not-found`, `registry-unavailable`, `registry-denied`, `bad-image`. */
  manifest(image: string, tagOrDigest: string, signal?: AbortSignal): Promise<Result<Manifest>>;
  /** The newest `limit` versions, newest first, with digests, size and date. Errors as `tags`. */
  versions(image: string, limit: number): Promise<Result<VersionsOutput>>;
  /** Those of the image for a platform, where `digest` is a list; undefined where they can't be had. */
  imageDefaults(
    image: string,
    digest: string,
    platform: { os: string; arch: string },
  ): Promise<ImageDefaults | undefined>;
  /** What the engine needs to pull this image; undefined where the machine has no credentials for its registry. */
  engineAuth(image: string): Promise<EngineAuth | undefined>;
}
