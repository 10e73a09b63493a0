import js from "@eslint/js";

export default [
  {
    ...js.configs.recommended,
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...js.configs.recommended.rules,
      "no-undef": "off", // tsc knows what a browser has
      complexity: ["error", 10],
      eqeqeq: "error",
      "max-depth": ["error", 4],
      "max-lines": ["error", 250],
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
];
