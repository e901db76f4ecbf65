export const ARGS: string[];
