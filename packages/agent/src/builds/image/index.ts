export type { ImageFailure, ImageFailureCode } from './build-failure.ts';
export { type CreatedImage, createImage, type ImageRequest } from './create-image.ts';
export { type Builder, findBuilder } from './find-builder.ts';
export type { ImageListener, VertexState } from './image-events.ts';
export { type PushedImage, type PushRegistry, type PushRequest, pushImage } from './push-image.ts';
