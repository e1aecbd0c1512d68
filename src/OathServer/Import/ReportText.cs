using System.Text.Json;

namespace OathServer.Import;

/// <summary>A report on the terminal.</summary>
internal static class ReportText
{
    /// <summary>Rows printed when nothing is amiss; what needs a look is always printed.</summary>
    private const int PlainRowsMax = 200;

    private static readonly JsonSerializerOptions indented = new(ShipmentImport.ReportJson) { WriteIndented = true };

    public static void Write(ImportReport report, bool asJson)
    {
        foreach (var warning in report.Warnings)
        {
            Console.Error.WriteLine($"warning: {warning}");
        }

        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, indented));
            return;
        }

        Console.WriteLine($"{report.FileName}: {report.Format}, SHA-256 {report.Digest}");
        var rows = report.Keys.Where((k, i) => i < PlainRowsMax || k.Why is not null).ToList();
        if (rows.Count > 0)
        {
            var width = Math.Clamp(rows.Max(k => k.Serial.Length), 6, 40);
            Console.WriteLine($"{"SERIAL".PadRight(width)}  {"WHAT",-12}  {"COUNTER",10}  WHY");
            foreach (var key in rows)
            {
                Console.WriteLine($"{Printable(key.Serial).PadRight(width)}  {KebabNames.Of(key.What),-12}  {key.Counter,10}  {Printable(Words(key))}".TrimEnd());
            }
        }

        if (rows.Count < report.Keys.Count)
        {
            Console.WriteLine($"… and {report.Keys.Count - rows.Count} more without remark (--json prints them all).");
        }

        var totals = report.Totals;
        Console.WriteLine($"{totals.Keys} keys: {totals.Imported} {(report.DryRun ? "would be imported" : "imported")}, {totals.Unchanged} unchanged, {totals.NotEnrolled} not enrolled, {totals.Refused} refused; {totals.Warned} with a warning.{(report.Id is { } id ? $" Import {id}." : "")}");
    }

    private static string Words(ImportedKey key) => key.User is null ? key.Why ?? "" : $"for {key.User}" + (key.Why is null ? "" : "; " + key.Why);

    /// <summary>Text of a file, safe for a terminal.</summary>
    internal static string Printable(string text) => new([.. text.Select(c => char.IsControl(c) ? '?' : c)]);
}
