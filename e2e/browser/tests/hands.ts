// What somebody does to a page: with the mouse, or with nothing but the keyboard.
import { expect, tabTo } from "./workplace";
import type { Locator, Page } from "@playwright/test";

export interface Hand {
  /** The same at another page. */
  at(page: Page): Hand;
  /** Presses a button or follows a link. */
  press(target: Locator): Promise<void>;
  /** Writes into a field instead of what is there; an empty text takes it away. */
  write(field: Locator, text: string): Promise<void>;
  /** Ticks or unticks. */
  tick(box: Locator): Promise<void>;
  /** Takes another radio button of a group. */
  pick(group: Locator, radio: Locator): Promise<void>;
  /** Chooses an option. */
  choose(select: Locator, value: string): Promise<void>;
  /** Chooses a file. */
  file(input: Locator, file: { name: string; mimeType: string; buffer: Buffer }): Promise<void>;
  /** A dialog is closed, and who goes on is where it was opened. */
  closed(dialog: Locator, opener: Locator): Promise<void>;
}

export function mouse(): Hand {
  return {
    at: mouse,
    press: (target) => target.click(),
    write: (field, text) => field.fill(text),
    tick: (box) => box.click(),
    pick: (_, radio) => radio.check(),
    choose: async (select, value) => void (await select.selectOption(value)),
    file: (input, file) => input.setInputFiles(file),
    closed: (dialog) => expect(dialog).toBeHidden(),
  };
}

/** Wherever it stops on its way the focus is seen. */
export function keyboard(page: Page): Hand {
  const go = (target: Locator) => tabTo(page, target, expectVisibleFocus);
  const press = async (target: Locator, key = "Enter") => {
    await go(target);
    await page.keyboard.press(key);
  };
  return {
    at: keyboard,
    press,
    write: async (field, text) => {
      await go(field);
      // A field for a time has no text to mark, and takes its digits alone.
      if ((await field.getAttribute("type")) === "time") return page.keyboard.type(text.replace(":", ""));
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.press("Delete");
      await page.keyboard.type(text);
    },
    tick: (box) => press(box, "Space"),
    pick: async (group, radio) => {
      await go(group.locator(":checked"));
      for (let presses = 0; presses < 5 && !(await radio.isChecked()); presses++) await page.keyboard.press("ArrowUp");
      await expect(radio).toBeChecked();
    },
    choose: async (select, value) => {
      await go(select);
      for (let presses = 0; presses < 5 && (await select.inputValue()) !== value; presses++) await page.keyboard.press("ArrowDown");
      await expect(select).toHaveValue(value);
    },
    file: async (input, file) => {
      const choosing = page.waitForEvent("filechooser");
      await press(input);
      await (await choosing).setFiles(file);
    },
    closed: async (dialog, opener) => {
      await expect(dialog).toBeHidden();
      await expect(opener).toBeFocused();
    },
  };
}

/** What has the focus is outlined; what cannot be seen itself, by what stands for it. */
async function expectVisibleFocus(page: Page): Promise<void> {
  const unseen = await page.evaluate(() => {
    const element = document.activeElement!;
    const outlined = (one: Element) => {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
      return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && !/, 0\)$|transparent/.test(outlineColor);
    };
    // The button inside a field for a date is the browser's own, and so is its outline.
    if (!element.matches(":focus")) return "";
    const hidden = element.classList.contains("visually-hidden") ? element.closest("label") : null;
    return outlined(hidden ?? element) ? "" : element.outerHTML;
  });
  expect(unseen, "has the focus and no outline").toBe("");
}
