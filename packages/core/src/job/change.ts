import * as z from 'zod';

/**
 * One setting that is not the same in the new container as in the old one. `from` or `to` is absent where there is none.
 * By `image`: a default of the old image went, or one of the new image came. By `engine`: nobody asked for it, and it is
 * worth a look.
 */
export const settingChangeSchema = z.object({
  setting: z.string().max(300),
  from: z.string().max(300).optional(),
  to: z.string().max(300).optional(),
  by: z.enum(['image', 'engine']).catch('engine'),
});
export type SettingChange = z.infer<typeof settingChangeSchema>;

/** `Env COLOUR: blue → green`, for people; `Memory: 64 is gone (not by the image)`. */
export function changeWords({ setting, from, to, by }: SettingChange): string {
  const what = from === undefined ? `${to} is new` : to === undefined ? `${from} is gone` : `${from} → ${to}`;
  return `${setting}: ${what}${by === 'image' ? '' : ' (not by the image)'}`;
}
