/** The course of a figure in a line of a few pixels: an ornament beside the figure, told to nobody. */

interface SparklineProps {
  readonly values: readonly (number | null)[];
  readonly tone?: "accent" | "bad";
}

const WIDTH = 96;
const HEIGHT = 24;

export function Sparkline({ values, tone = "accent" }: SparklineProps) {
  const known = values.filter((one) => one !== null);
  if (known.length < 2) return null;
  const most = Math.max(...known, 1e-9);
  const step = WIDTH / (values.length - 1);
  let isDown = false;
  const path = values
    .map((value, at) => {
      if (value === null) {
        isDown = false;
        return "";
      }
      const point = `${(at * step).toFixed(1)} ${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
      const drawn = `${isDown ? "L" : "M"}${point}`;
      isDown = true;
      return drawn;
    })
    .join("");
  return (
    <svg class={`sparkline ${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
