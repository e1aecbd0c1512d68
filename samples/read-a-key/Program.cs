using SecurityKeys;
using SecurityKeys.Cards.PcSc;

using var context = new PcscContext();
foreach (var status in context.ListStatuses().Where(s => s.HasCard))
{
    using var connection = context.Connect(status.Reader);
    var report = SecurityKeyReport.Read(connection);          // spends no try of any PIN
    Console.WriteLine($"{report.Cuid} {report.Firmware} {string.Join(' ', report.Applications)}");
    if (report.Piv?.Pin is { IsDefault: true }) Console.WriteLine("The PIN is still the factory value.");
}
