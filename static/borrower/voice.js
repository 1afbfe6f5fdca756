/** Says the page's words aloud, in its language, where the person wants it and the device can. */

const language = document.documentElement.lang;
const { speechSynthesis } = window;
const voice = () => speechSynthesis?.getVoices().find(({ lang }) => lang.slice(0, 2) === language);

/** Makes the box appear as soon as the device has a voice; gives what says words aloud while it is ticked. */
export function speaker(label) {
  const box = label.querySelector("input");
  const offer = () => (label.hidden = !voice());
  offer();
  speechSynthesis?.addEventListener("voiceschanged", offer); // some browsers look for their voices only now
  return (words) => {
    if (!box.checked || !voice() || !words) return;
    speechSynthesis.cancel(); // what was said before is over
    const said = new SpeechSynthesisUtterance(words);
    [said.lang, said.voice] = [language, voice()];
    speechSynthesis.speak(said);
  };
}
