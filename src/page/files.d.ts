// What scripts/page.ts makes of this folder: the files that browsers get. In dist/ only.

/** By path. The type is the Content-Type's. */
export const files: Readonly<Record<string, { readonly type: string; readonly text: string }>>
