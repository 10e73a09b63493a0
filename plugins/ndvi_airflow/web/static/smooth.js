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
  const smooth = new Float64Array(size);
  if (size < 3) return smooth.map((_, index) => values[index]);
  // (W + λ D'D) z = W y is banded: L D L' with two diagonals below the main one, solved forwards and backwards.
  const pivot = new Float64Array(size);
  const first = new Float64Array(size);
  const second = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const inner = Math.min(i, size - 1 - i);
    const main = inner === 0 ? 1 : inner === 1 ? 5 : 6;
    const diagonal = weights[i] + lambda * (size === 3 ? [1, 4, 1][i] : main);
    const off = lambda * (i === 0 || i === size - 2 ? -2 : -4);
    pivot[i] = diagonal - (i > 0 ? pivot[i - 1] * first[i - 1] ** 2 : 0) - (i > 1 ? pivot[i - 2] * second[i - 2] ** 2 : 0);
    first[i] = i < size - 1 ? (off - (i > 0 ? pivot[i - 1] * first[i - 1] * second[i - 1] : 0)) / pivot[i] : 0;
    second[i] = i < size - 2 ? lambda / pivot[i] : 0;
    const known = weights[i] > 0 ? weights[i] * values[i] : 0;
    smooth[i] = known - (i > 0 ? first[i - 1] * smooth[i - 1] : 0) - (i > 1 ? second[i - 2] * smooth[i - 2] : 0);
  }
  for (let i = size - 1; i >= 0; i--) {
    smooth[i] =
      smooth[i] / pivot[i] -
      (i < size - 1 ? first[i] * smooth[i + 1] : 0) -
      (i < size - 2 ? second[i] * smooth[i + 2] : 0);
  }
  return smooth;
}
