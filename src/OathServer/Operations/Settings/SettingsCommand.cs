using System.CommandLine;

namespace OathServer.Operations.Settings;

/// <summary><c>settings</c>: what can be set, and to what.</summary>
internal static class SettingsCommand
{
    public static Command Create()
    {
        var settings = new Command("settings", "Lists every setting, as docs/settings.md does. In the environment : is written __ (Storage__Provider).");
        settings.SetAction(_ => Console.Write(Table()));
        return settings;
    }

    /// <summary>The list as a Markdown table.</summary>
    public static string Table() => "| setting | what it is (what holds when it is left out) |\n|---|---|\n"
        + string.Concat(KnownSettings.All.Select(s => $"| `{s.Path.Replace("*", "0", StringComparison.Ordinal)}` | {s.Says} |\n"));
}
