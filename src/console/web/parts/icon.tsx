/** The page's signs: lines of one weight in a box of 20. They stand beside words and are told to nobody by themselves. */

const PATHS = {
  overview: "M3 11h5V3H3zM12 17h5V9h-5zM3 17h5v-3H3zM12 6h5V3h-5z",
  causes: "M10 3 2.5 16.5h15zM10 8.5v3.5M10 14.2v.1",
  objects: "M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zM3 6.5l7 3.5 7-3.5M10 10v7",
  rules: "M3 5h14M3 10h9M3 15h6M14.5 12.5l2.5 2.5-2.5 2.5",
  audits: "M4 3h9l3 3v11H4zM7 10l2 2 4-4M7 15h6",
  canaries: "M2 10h4l2-5 4 10 2-5h4",
  alerts: "M5 8.5a5 5 0 0 1 10 0c0 4 1.5 5 1.5 5h-13S5 12.500 5 8.500zM8.500 16.500h3",
  jobs: "M4 10a6 6 0 0 1 10.500-4L16 7.500M16 4v3.500h-3.500M16 10a6 6 0 0 1-10.500 4L4 12.500M4 16v-3.500h3.500",
  lab: "M8 3h4M9 3v5l-5 8.500h12L11 8V3M6.500 12.500h7",
  check: "m4 10.500 4 4 8-9",
  cross: "m5 5 10 10M15 5 5 15",
  warn: "M10 3 2.500 16.500h15zM10 8.500v3.500M10 14.200v.1",
  info: "M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15zM10 9v5M10 6.300v.1",
  clock: "M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15zM10 6v4.300l3 1.700",
  pause: "M7 4v12M13 4v12",
  play: "m6 4 10 6-10 6z",
  stop: "M5 5h10v10H5z",
  undo: "M7.500 4 3.500 8l4 4M3.500 8H12a4.500 4.500 0 0 1 0 9H8",
  search: "M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3zM13.500 13.500 17 17",
  menu: "M3 5.500h14M3 10h14M3 14.500h14",
  light:
    "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600 16 16M4 16l1.400-1.400M14.600 5.400 16 4",
  dark: "M16.500 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.500 8.500z",
  auto: "M10 2.500a7.500 7.500 0 1 0 0 15zM10 2.500a7.500 7.500 0 0 1 0 15M10 6h5.500M10 10h7.500M10 14h5.500",
  copy: "M7 7h9v10H7zM4 13V3h9",
  right: "m8 4.500 5.500 5.500L8 15.500",
  down: "M4.500 7.500 10 13l5.500-5.500",
  left: "M12 4.500 6.500 10l5.500 5.500",
  flow: "M3 10h13M11.500 5.500 16 10l-4.500 4.500",
  user: "M10 3a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM3.500 17a6.500 6.500 0 0 1 13 0",
  leave: "M8 3H4v14h4M8 10h9M13.500 6.500 17 10l-3.500 3.500",
  keys: "M2.500 5.500h15v9h-15zM5.500 8.500v.1M8.500 8.500v.1M11.500 8.500v.1M14.500 8.500v.1M6 11.500h8",
  bucket:
    "M3.500 5.500c0-1.400 2.900-2.500 6.500-2.500s6.500 1.100 6.500 2.500L15 16c-.300 1-2.400 1.500-5 1.500S5.300 17 5 16zM3.500 5.500C3.500 6.900 6.400 8 10 8s6.500-1.100 6.500-2.500",
  unplugged:
    "m3 3 14 14M7 4.500V7M13 3v4.500M5.500 7.500h.5M10.500 7.500H15V10c0 .8-.2 1.500-.500 2.200M5.500 9a4.500 4.500 0 0 0 6.500 5.200M10 14.500V17.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
