/** What the server says of the borrower's picture, by names; the page holds a sentence for each. */

const LAST = 3; // hints, of which most must tell a mask

/**
 * Says the hints it is given in `place`, and gives each back; none (undefined) where it is not sure. A word said already
 * is not said again. One hint alone may see a mask where there is none: that takes most of the last ones.
 */
export function hinter(place) {
  let last = [];
  return (hint) => {
    last = [hint, ...last].slice(0, LAST);
    const isMasked = last.filter((each) => each === "mask_on").length > LAST / 2;
    const fits = hint === "" || hint === "mask_on";
    const name = fits && isMasked ? "mask_on" : hint === "mask_on" ? undefined : hint;
    if (name === undefined) return name;
    const words = document.querySelector(`#hints [data-hint="${CSS.escape(name)}"]`)?.textContent ?? "";
    if (place.textContent !== words) place.textContent = words;
    place.classList.toggle("good", name === "");
    return name;
  };
}
