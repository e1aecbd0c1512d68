using System.Security.Cryptography;
using System.Text;

namespace Pskc.Tests;

/// <summary>Containers made and read in memory.</summary>
internal static class Containers
{
    public static readonly byte[] Key16 = Convert.FromHexString("00112233445566778899aabbccddeeff");

    public static byte[] Write(PskcWriteOptions options, params IEnumerable<KeyPackage> packages)
    {
        using var stream = new MemoryStream();
        using (var writer = PskcWriter.Create(stream, options))
        {
            foreach (var package in packages)
            {
                writer.Write(package);
            }
            writer.Complete();
        }
        return stream.ToArray();
    }

    public static List<KeyPackage> Read(byte[] octets, PskcReadOptions? options = null) => Read(octets, options, out _, out _);

    public static List<KeyPackage> Read(byte[] octets, PskcReadOptions? options, out KeyContainerHeader header,
        out IReadOnlyList<PskcWarning> warnings)
    {
        using var stream = new MemoryStream(octets);
        using var reader = PskcReader.Open(stream, options ?? new PskcReadOptions());
        header = reader.Header;
        warnings = reader.Warnings;
        return [.. reader.ReadKeyPackages()];
    }

    public static PskcException Refused(byte[] octets, PskcReadOptions? options = null) =>
        Assert.Throws<PskcException>(() => Read(octets, options));

    public static PskcException Refused(string text, PskcReadOptions? options = null) =>
        Refused(Encoding.UTF8.GetBytes(text), options);

    public static KeyPackage Hotp(string serial, byte[]? secret = null, long? counter = 0) => new()
    {
        Manufacturer = "Test",
        SerialNo = serial,
        Keys =
        [
            new Key
            {
                Id = serial,
                Algorithm = KeyAlgorithm.Hotp,
                ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, 6),
                Secret = secret ?? RandomNumberGenerator.GetBytes(20),
                Counter = counter,
            },
        ],
    };

    /// <summary>A plain container with what is given inside its one Key element.</summary>
    public static string WithKey(string inside, string attributes = "Id=\"K1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\"") =>
        $"""
        <KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
          <KeyPackage>
            <DeviceInfo><Manufacturer>M</Manufacturer><SerialNo>S1</SerialNo></DeviceInfo>
            <Key {attributes}>{inside}</Key>
          </KeyPackage>
        </KeyContainer>
        """;

    public const string Secret = "<Secret><PlainValue>AAECAwQFBgcICQoLDA0ODxAREhM=</PlainValue></Secret>";

    public static string WithData(string data) => WithKey($"<Data>{Secret}{data}</Data>");

    public static Key OnlyKey(string text, PskcReadOptions? options = null) =>
        Read(Encoding.UTF8.GetBytes(text), options).Single().Keys.Single();
}
