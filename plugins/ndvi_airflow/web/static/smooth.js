/** Days before the first one and after the last one, where all is zero: so no day is a special case. */
const PAD = 2;

/**
 * Whittaker's smoother (Eilers 2003, Anal. Chem. 75, 3631): the series z that minimises
 * sum w (y - z)² + λ sum (second differences of z)². Days without a value have weight 0 and are bridged.
 *
 * @param {ArrayLike<number>} values One a day; where the weight is 0 any number.
 * @param {ArrayLike<number>} weights
 * @param {number} lambda
 * @returns {Float64Array}
 */
export function whittaker(values, weights, lambda) {
  const size = values.length;
  if (size < 3) return Float64Array.from(values);
  // (W + λ D'D) z = W y is banded: L D L' with two diagonals below the main one, solved forwards and backwards.
  const pivot = new Float64Array(size + 2 * PAD);
  const first = new Float64Array(size + 2 * PAD);
  const second = new Float64Array(size + 2 * PAD);
  const smooth = new Float64Array(size + 2 * PAD);
  for (let day = 0, i = PAD; day < size; day++, i++) {
    const diagonal = weights[day] + lambda * main(day, size);
    pivot[i] = diagonal - pivot[i - 1] * first[i - 1] ** 2 - pivot[i - 2] * second[i - 2] ** 2;
    first[i] = (lambda * beside(day, size) - pivot[i - 1] * first[i - 1] * second[i - 1]) / pivot[i];
    second[i] = day < size - 2 ? lambda / pivot[i] : 0;
    const known = weights[day] > 0 ? weights[day] * values[day] : 0;
    smooth[i] = known - first[i - 1] * smooth[i - 1] - second[i - 2] * smooth[i - 2];
  }
  for (let i = size + PAD - 1; i >= PAD; i--) {
    smooth[i] = smooth[i] / pivot[i] - first[i] * smooth[i + 1] - second[i] * smooth[i + 2];
  }
  return smooth.subarray(PAD, size + PAD);
}

/** The diagonal of D'D. @param {number} day @param {number} size */
function main(day, size) {
  const inner = Math.min(day, size - 1 - day);
  if (size === 3 && inner === 1) return 4;
  return [1, 5][inner] ?? 6;
}

/** The diagonal of D'D below that. @param {number} day @param {number} size */
function beside(day, size) {
  if (day === size - 1) return 0;
  return day === 0 || day === size - 2 ? -2 : -4;
}
