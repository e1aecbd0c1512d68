using OathServer.Import.Formats;
using Pskc;

namespace OathServer.Import.Export;

/// <summary>The keys of a seed file on their way into another container: all of them or none.</summary>
internal static class SourceKeys
{
    /// <summary>The caller disposes each package.</summary>
    /// <exception cref="ImportRefusedException">A key that cannot be read, or one that is there twice.</exception>
    /// <exception cref="PskcException">The same, of a key container.</exception>
    public static IEnumerable<KeyPackage> Read(Stream file, ImportOptions options, CancellationToken cancel)
    {
        using var stream = new SeedStream(file, options.LengthMax, cancel);
        var format = options.Format ?? Recognition.Of(stream.Head());
        // A container's policies, profiles and extensions have no place in a table's row: its packages pass as they are.
        var packages = format == SeedFormat.Pskc ? Containers(stream, options) : Tables(stream, options with { Format = format });
        foreach (var package in packages)
        {
            yield return package;
        }
    }

    private static IEnumerable<KeyPackage> Containers(SeedStream stream, ImportOptions options)
    {
        using var reader = PskcReader.Open(stream, new PskcReadOptions { Key = options.Key, MacKey = options.MacKey });
        foreach (var package in reader.ReadKeyPackages())
        {
            yield return package;
        }
    }

    private static IEnumerable<KeyPackage> Tables(SeedStream stream, ImportOptions options)
    {
        var lines = new Dictionary<(string? Manufacturer, string Serial, string? KeyId), int>();
        // No format but PSKC looks at the clock.
        foreach (var key in SeedFiles.Open(stream, options, DateTimeOffset.UnixEpoch).Keys)
        {
            var where = $"line {key.Line}, serial {key.DeviceSerial}";
            if ((key.FaultText ?? key.NotEnrolled) is { } why)
            {
                throw new ImportRefusedException(key.Fault ?? Fault.NothingToEnrol, $"{where}: {why}.", key.DeviceSerial, key.KeyId, key.Line);
            }

            if (!lines.TryAdd((key.Manufacturer, key.DeviceSerial, key.KeyId), key.Line))
            {
                throw new ImportRefusedException(Fault.DuplicateKey,
                    $"{where}: the file holds this key more than once (first in line {lines[(key.Manufacturer, key.DeviceSerial, key.KeyId)]}).",
                    key.DeviceSerial, key.KeyId, key.Line);
            }

            yield return WrittenKey.Of(key);
        }
    }
}
