/** Reads the page's words out, in its language, if the person wants it and the device can. */

const language = document.documentElement.lang;
const { speechSynthesis } = window;
const voice = () => speechSynthesis?.getVoices().find(({ lang }) => lang.slice(0, 2) === language);

/** Shows the checkbox once the device has a voice; returns a function that reads words out while it is ticked. */
export function speaker(label) {
  const box = label.querySelector("input");
  const offer = () => (label.hidden = !voice());
  offer();
  speechSynthesis?.addEventListener("voiceschanged", offer); // some browsers load their voices only now
  return (words) => {
    if (!box.checked || !voice() || !words) return;
    speechSynthesis.cancel(); // stop the previous words
    const said = new SpeechSynthesisUtterance(words);
    [said.lang, said.voice] = [language, voice()];
    speechSynthesis.speak(said);
  };
}
