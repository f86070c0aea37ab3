// How panes may lie, and how many there are.
export const LAYOUTS = { "1x1": 1, "1x2": 2, "2x1": 2, "2x2": 4 };
