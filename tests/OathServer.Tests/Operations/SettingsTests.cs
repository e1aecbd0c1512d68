using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using OathServer.Operations.Settings;

namespace OathServer.Tests.Operations;

/// <summary>What is set wrongly is said at start, all of it, with the nearest right name.</summary>
public partial class SettingsTests
{
    [Theory]
    [InlineData("Validation:LookAhaed", "3", "Validation:LookAhaed is no setting. Did you mean Validation:LookAhead?")]
    [InlineData("validation:lookahaed", "3", "validation:lookahaed is no setting. Did you mean Validation:LookAhead?")]
    [InlineData("Storage:Provider", "Postgres", "Storage:Provider is Postgres; it must be Sqlite or PostgreSql.")]
    [InlineData("Storage:ReserveMegabytes", "64MB", "Storage:ReserveMegabytes is 64MB; it must be a whole number, 0 to 1048576.")]
    [InlineData("Validation:LookAhead", "51", "Validation:LookAhead is 51; it must be a whole number, 0 to 50.")]
    [InlineData("Validation:FirstDelay", "30s", "Validation:FirstDelay is 30s; it must be a time as 00:00:30 (hours, minutes, seconds).")]
    [InlineData("Interop:FreeRadius", "yes", "Interop:FreeRadius is yes; it must be true or false.")]
    [InlineData("Interop:Clients:3", "10.1.0.1/99", "Interop:Clients:3 is 10.1.0.1/99; it must be a network such as 10.1.0.0/16.")]
    [InlineData("Interop:Clients", "10.0.0.0/8", "Interop:Clients is no setting. Did you mean Interop:Clients:*?")]
    [InlineData("Staff:OpenId:Authority", "login.example.org", "Staff:OpenId:Authority is login.example.org; it must be an address as https://host/path.")]
    [InlineData("Storge:Provider", "Sqlite", "Storge is no section of settings. Did you mean Storage?")]
    [InlineData("Limits:Somewhere:Deep", "1", "Limits:Somewhere:Deep is no setting. In Limits there are: AtOncePerKey, PerSecondPerKey, UnknownKeysPerMinute, SignInsPerMinute.")]
    public void A_wrong_setting_is_named_with_what_is_right(string key, string value, string fault) =>
        Assert.Equal([fault], SettingsCheck.Faults(Of((key, value))));

    [Theory]
    [InlineData("Path", "/usr/bin")]
    [InlineData("Logging:Console:FormatterName", "json")]
    [InlineData("Kestrel:Certificates:Default:Path", "/etc/oathserver/tls.pem")]
    [InlineData("SOMEBODY:ELSES", "1")]
    [InlineData("ConnectionStrings:Oath", "")]
    [InlineData("ConnectionStrings:Oath", "Host=db;Password=x")]
    [InlineData("data:folder", "/var/lib/oathserver")]
    [InlineData("Proxy:Networks:0", "10.0.0.0/8")]
    [InlineData("Staff:OpenId:Roles:help-desk", "otp-support")]
    public void A_right_or_foreign_setting_is_let_be(string key, string value) => Assert.Empty(SettingsCheck.Faults(Of((key, value))));

    [Fact]
    public void All_faults_are_said_together_and_a_secret_is_not_repeated()
    {
        var faults = SettingsCheck.Faults(Of(("Secrets:Kye", "00112233"), ("Validation:HardCap", "abc"), ("Validation:LookAhead", "-1")));
        Assert.Equal(3, faults.Count);
        Assert.DoesNotContain(faults, f => f.Contains("00112233", StringComparison.Ordinal));
    }

    [Fact]
    public void The_settings_of_the_repository_are_right() => Assert.Empty(SettingsCheck.Faults(
        new ConfigurationBuilder().AddJsonFile(Path.Combine(Tidy.SourceTree.Root, "appsettings.json")).Build()));

    [Fact]
    public async Task The_program_refuses_to_start_and_says_why()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-settings-").FullName;
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ServerProcess.StartAsync(folder, [new("Validation__LookAhaed", "3"), new("Limits__AtOncePerKey", "0")]));
        Assert.Contains("Did you mean Validation:LookAhead?", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Limits:AtOncePerKey is 0", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        Directory.Delete(folder);
    }

    [Fact]
    public void The_list_of_settings_is_the_one_in_the_documents()
    {
        var path = Path.Combine(Tidy.SourceTree.Root, "docs/settings.md");
        Assert.True(
            File.ReadAllText(path).EndsWith("\n\n" + SettingsCommand.Table(), StringComparison.Ordinal),
            $"{path} does not end in what `OathServer settings` prints; put it there.");
    }

    /// <summary>A setting that is read and not listed would be refused as unknown.</summary>
    [Fact]
    public void Every_setting_that_is_read_is_listed()
    {
        var read = Tidy.SourceTree.Under("src/OathServer").Where(f => !f.Path.Contains("/Settings/", StringComparison.Ordinal))
            .SelectMany(f => Read().Matches(f.Text).Select(m => m.Groups[1].Value))
            .Where(key => !KnownSettings.IsForeign(key.Split(':')[0])).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(read.Count >= 15, string.Join(' ', read));
        Assert.All(read, key => Assert.Contains(
            KnownSettings.All, s => s.Takes(key) || s.Path.StartsWith(key + ":", StringComparison.OrdinalIgnoreCase)));
        foreach (var policy in (Type[])[typeof(OathServer.Validation.ValidationPolicy), typeof(OathServer.Access.LimitsPolicy), typeof(OathServer.Interop.InteropPolicy)])
        {
            var section = policy.GetField("Section")!.GetValue(null);
            Assert.All(policy.GetProperties().Where(p => p.CanWrite), property => Assert.Contains(
                KnownSettings.All, s => s.Takes($"{section}:{property.Name}") || s.Takes($"{section}:{property.Name}:0")));
        }
    }

    private static IConfigurationRoot Of(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => new KeyValuePair<string, string?>(s.Key, s.Value))).Build();

    [GeneratedRegex("""(?:onfiguration\[|GetSection\(|GetValue\(|Setting = )"([A-Z][A-Za-z]+(?::[A-Za-z0-9]+)+)"[^:]""")]
    private static partial Regex Read();
}
