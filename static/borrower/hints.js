/** The server's hints on the borrower's picture, by name; the page has a sentence for each. */

const LAST = 3; // hints, of which most must indicate a mask
const HELD_MS = 2_000; // words that change sooner cannot be read or heard

/**
 * Shows the given hints in `place`, and returns each; undefined if unsure. Words are held before others replace them, and
 * never repeated. A single hint may report a mask wrongly: that needs most of the last ones.
 */
export function hinter(place) {
  let [last, shown, until] = [[], undefined, 0];
  return (hint) => {
    last = [hint, ...last].slice(0, LAST);
    const isMasked = last.filter((each) => each === "mask_on").length > LAST / 2;
    const fits = hint === "" || hint === "mask_on";
    const name = fits && isMasked ? "mask_on" : hint === "mask_on" ? undefined : hint;
    if (name === undefined || name === shown || performance.now() < until) return name;
    const words = document.querySelector(`#hints [data-hint="${CSS.escape(name)}"]`);
    if (!words) return name;
    [shown, until] = [name, performance.now() + HELD_MS];
    place.textContent = words.textContent;
    place.classList.toggle("good", name === "");
    return name;
  };
}
