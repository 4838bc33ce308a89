export const IMAGE_MODES = ['image-tag', 'designated', 'latest', 'build-deploy'] as const;
export type ImageMode = (typeof IMAGE_MODES)[number];

/** Pulled from a registry by tag, or made by a build of the service. */
export type ImageKind = 'common' | 'built';

/** What an operator chose for one task (the table of image modes in the product's rules). */
export type Choice =
  | { mode: 'image-tag'; tag: string }
  | { mode: 'designated'; tag: string }
  | { mode: 'latest' }
  /** `built` is the tag of the run that was begun for it: what is deployed, once that has made it. */
  | { mode: 'build-deploy'; confirmed: boolean; built?: string | undefined };

/** The modes that a task may use, in the order that they are offered; the first is what it starts with. */
export function modesOf(kind: ImageKind): readonly [ImageMode, ...ImageMode[]] {
  return kind === 'common' ? ['image-tag'] : ['designated', 'latest', 'build-deploy'];
}

/**
 * What a task's choice is before anybody chose, and again after each run: Image Tag empty, or Designated at the
 * deployed image. Never armed.
 */
export function initialChoice(kind: ImageKind, deployed: { tag: string } | undefined): Choice {
  return choiceOfMode(modesOf(kind)[0], deployed);
}

/** What a mode begins with when it is switched to: no tag, the deployed image, not confirmed. */
export function choiceOfMode(mode: ImageMode, deployed: { tag: string } | undefined): Choice {
  switch (mode) {
    case 'image-tag':
      return { mode, tag: '' };
    case 'designated':
      return { mode, tag: deployed?.tag ?? '' };
    case 'latest':
      return { mode };
    case 'build-deploy':
      return { mode, confirmed: false };
  }
}
