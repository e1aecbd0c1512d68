using System.CommandLine;
using System.Text.Json;

namespace OathServer.Operations.Checks;

/// <summary><c>doctor</c>: looks at a deployment from the server's own machine and changes nothing.</summary>
internal static class DoctorCommand
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "For scripts." };
        var doctor = new Command(
            "doctor", "Checks this deployment and says what to do. Changes nothing. Exit code 0: all well or warnings only; 1: something does not work.") { json };
        doctor.SetAction(async (parsed, cancel) =>
        {
            var findings = await new Examination(OathHost.Configuration(isChecked: false)).RunAsync(cancel);
            await (parsed.GetValue(json) ? Console.Out.WriteLineAsync(Json(findings)) : WriteAsync(findings));
            return findings.Any(f => f.Health == Health.Bad) ? 1 : 0;
        });
        return doctor;
    }

    private static string Json(IReadOnlyList<Finding> findings) => JsonSerializer.Serialize(
        new
        {
            Health = Word(findings.Max(f => f.Health)),
            Findings = findings.Select(f => new { f.Part, Health = Word(f.Health), f.What, f.Advice }),
        },
        Indented);

    private static async Task WriteAsync(IReadOnlyList<Finding> findings)
    {
        var width = findings.Max(f => f.Part.Length);
        foreach (var finding in findings)
        {
            var mark = finding.Health switch { Health.Good => "ok  ", Health.Warning => "WARN", _ => "BAD " };
            await Console.Out.WriteLineAsync($"{mark}  {finding.Part.PadRight(width)}  {finding.What}");
            if (finding.Advice is { } advice)
            {
                await Console.Out.WriteLineAsync($"      {new string(' ', width)}  -> {advice}");
            }
        }

        await Console.Out.WriteLineAsync(
            $"{findings.Count(f => f.Health == Health.Good)} well, {findings.Count(f => f.Health == Health.Warning)} warnings, {findings.Count(f => f.Health == Health.Bad)} bad.");
    }

    private static string Word(Health health) => health.ToString().ToLowerInvariant();
}
